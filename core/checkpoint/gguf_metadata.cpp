// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_metadata.h"

#include "core/base/assert.h"
#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace paretoscope::core {

namespace {

constexpr std::uint64_t kMaxMetadataBytes = std::uint64_t(512) << 20;
constexpr std::size_t kMaxKeyBytes = 65535;
constexpr std::uint64_t kSmallestEntryBytes = 8 + 1 + 4 + 1; // length, key, type, value
constexpr char kDamaged[] = "the file is damaged or incomplete; fetch it again";

struct TypeTraits
{
    std::string_view name;
    std::size_t bytes = 0; ///< of one value; for strings the least
};

constexpr std::array<TypeTraits, 13> kTypes {{
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"string", 8},
    {"array", 12},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
}};

const TypeTraits& traits(GgufValueType type)
{
    return kTypes[static_cast<std::size_t>(type)];
}

/// Reads one after the other the elements of a value whose length was checked.
class ElementReader
{
public:
    explicit ElementReader(const GgufValue& value)
        : m_type(value.type)
        , m_reader(value.encoded)
    {}

    /// Nothing when the value is an u64 of 2^63 or more.
    std::optional<std::int64_t> integer()
    {
        switch (m_type) {
        case GgufValueType::U8:
        case GgufValueType::Bool:
            return next<std::uint8_t>();
        case GgufValueType::I8:
            return next<std::int8_t>();
        case GgufValueType::U16:
            return next<std::uint16_t>();
        case GgufValueType::I16:
            return next<std::int16_t>();
        case GgufValueType::U32:
            return next<std::uint32_t>();
        case GgufValueType::I32:
            return next<std::int32_t>();
        case GgufValueType::I64:
            return next<std::int64_t>();
        default:
            break;
        }
        const auto value = next<std::uint64_t>();
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return std::nullopt;
        return static_cast<std::int64_t>(value);
    }

    double number()
    {
        switch (m_type) {
        case GgufValueType::F32:
            return static_cast<double>(next<float>());
        case GgufValueType::F64:
            return next<double>();
        case GgufValueType::U64:
            return static_cast<double>(next<std::uint64_t>());
        default:
            return static_cast<double>(*integer());
        }
    }

    std::string text()
    {
        const auto value = m_reader.takeText();
        PSC_ASSERT(value, "string lengths were checked on parsing");
        return std::string(*value);
    }

private:
    template <typename T>
    T next()
    {
        const auto value = m_reader.take<T>();
        PSC_ASSERT(value, "value lengths were checked on parsing");
        return *value;
    }

    GgufValueType m_type;
    ByteReader m_reader;
};

bool isInteger(GgufValueType type)
{
    using enum GgufValueType;
    return type != F32 && type != F64 && type != Bool && type != String && type != Array;
}

bool isNumber(GgufValueType type)
{
    return isInteger(type) || type == GgufValueType::F32 || type == GgufValueType::F64;
}

/// Walks over `value.count` elements and keeps their bytes. Returns what is wrong, if anything.
std::optional<std::string> takeElements(ByteReader& reader, GgufValue& value)
{
    const std::size_t begin = reader.position();
    const TypeTraits& type = traits(value.type);
    if (value.count > reader.remaining() / type.bytes)
        return "has " + std::to_string(value.count) + " elements of type " + std::string(type.name) + ", but only " +
               std::to_string(reader.remaining()) + " bytes follow";
    if (value.type == GgufValueType::String) {
        for (std::uint64_t i = 0; i < value.count; ++i) {
            if (!reader.takeText())
                return "holds a string that reaches beyond the end of the file";
        }
    } else {
        const auto bytes = reader.takeBytes(value.count * type.bytes);
        const auto isTruth = [](std::byte byte) { return byte <= std::byte {1}; };
        if (value.type == GgufValueType::Bool && !std::ranges::all_of(*bytes, isTruth))
            return "is a bool that is neither 0 nor 1";
    }
    value.encoded = reader.bytesSince(begin);
    return std::nullopt;
}

std::optional<GgufValueType> takeType(ByteReader& reader)
{
    const auto number = reader.take<std::uint32_t>();
    if (!number || *number >= kTypes.size())
        return std::nullopt;
    return static_cast<GgufValueType>(*number);
}

/// Returns what is wrong with the value that follows, if anything.
std::optional<std::string> takeValue(ByteReader& reader, GgufValue& value)
{
    constexpr char kUnknownType[] = "has a value type that does not exist";
    const auto type = takeType(reader);
    if (!type)
        return kUnknownType;
    value.type = *type;
    if (*type != GgufValueType::Array)
        return takeElements(reader, value);
    const auto elementType = takeType(reader);
    const auto count = reader.take<std::uint64_t>();
    if (!elementType || !count)
        return kUnknownType;
    if (*elementType == GgufValueType::Array)
        return "is an array of arrays, which no reader supports";
    value.type = *elementType;
    value.isArray = true;
    value.count = *count;
    return takeElements(reader, value);
}

/// Returns what is wrong with a key, if anything.
std::optional<std::string> keyProblem(std::string_view key)
{
    if (key.empty())
        return "is empty";
    if (key.size() > kMaxKeyBytes)
        return "has " + std::to_string(key.size()) + " bytes; at most " + std::to_string(kMaxKeyBytes) + " are allowed";
    if (!isPlainText(key))
        return "is not plain UTF-8 text";
    return std::nullopt;
}

} // namespace

std::string_view ggufValueTypeName(GgufValueType type)
{
    return traits(type).name;
}

Result<GgufMetadata> GgufMetadata::parse(ByteReader& reader, std::uint64_t count, std::string source)
{
    GgufMetadata metadata;
    metadata.m_source = std::move(source);
    const auto fail = [&](const std::string& problem) {
        return Error {ErrorCode::Corrupt, metadata.m_source + ": " + problem, kDamaged};
    };
    if (count > reader.remaining() / kSmallestEntryBytes)
        return fail("the header states " + std::to_string(count) + " metadata entries, but only " +
                    std::to_string(reader.remaining()) + " bytes follow");
    const std::size_t begin = reader.position();
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string entry = "metadata entry " + std::to_string(i + 1) + " of " + std::to_string(count);
        const auto key = reader.takeText();
        if (!key)
            return fail(entry + ": its key reaches beyond the end of the file");
        if (const auto problem = keyProblem(*key))
            return fail(entry + ": its key " + *problem);
        GgufValue value;
        if (const auto problem = takeValue(reader, value))
            return fail(entry + ": " + inQuotes(*key) + " " + *problem);
        if (!metadata.m_values.emplace(*key, value).second)
            return fail(entry + ": " + inQuotes(*key) + " occurs twice");
        metadata.m_keys.emplace_back(*key);
        if (reader.position() - begin > kMaxMetadataBytes)
            return Error {ErrorCode::Unsupported, metadata.m_source + ": the metadata are larger than 512 MB",
                          "use a file with smaller metadata"};
    }
    return metadata;
}

const GgufValue* GgufMetadata::find(std::string_view key) const
{
    const auto found = m_values.find(key);
    return found == m_values.end() ? nullptr : &found->second;
}

Error GgufMetadata::wrongType(std::string_view key, const GgufValue& value, std::string_view wanted) const
{
    return {ErrorCode::Corrupt,
            m_source + ": metadata key " + inQuotes(key) + " holds " +
                (value.isArray ? "an array of " : "a value of type ") + std::string(ggufValueTypeName(value.type)) +
                " where " + std::string(wanted) + " is expected",
            "convert the model again with a current converter"};
}

Result<const GgufValue*> GgufMetadata::require(std::string_view key, bool array, std::string_view wanted) const
{
    const GgufValue* value = find(key);
    if (!value)
        return Error {ErrorCode::NotFound, m_source + ": metadata key " + inQuotes(key) + " is missing",
                      "convert the model again with a current converter"};
    if (value->isArray != array)
        return wrongType(key, *value, wanted);
    return value;
}

Result<std::string> GgufMetadata::text(std::string_view key) const
{
    PSC_ASSIGN(const GgufValue* value, require(key, false, "a string"));
    if (value->type != GgufValueType::String)
        return wrongType(key, *value, "a string");
    return ElementReader(*value).text();
}

Result<std::int64_t> GgufMetadata::integer(std::string_view key) const
{
    constexpr char kWanted[] = "an integer below 2^63";
    PSC_ASSIGN(const GgufValue* value, require(key, false, kWanted));
    const auto integer = isInteger(value->type) ? ElementReader(*value).integer() : std::nullopt;
    if (!integer)
        return wrongType(key, *value, kWanted);
    return *integer;
}

Result<double> GgufMetadata::number(std::string_view key) const
{
    PSC_ASSIGN(const GgufValue* value, require(key, false, "a number"));
    if (!isNumber(value->type))
        return wrongType(key, *value, "a number");
    return ElementReader(*value).number();
}

Result<bool> GgufMetadata::boolean(std::string_view key) const
{
    PSC_ASSIGN(const GgufValue* value, require(key, false, "a bool"));
    if (value->type != GgufValueType::Bool)
        return wrongType(key, *value, "a bool");
    return *ElementReader(*value).integer() != 0;
}

Result<std::vector<std::string>> GgufMetadata::texts(std::string_view key) const
{
    PSC_ASSIGN(const GgufValue* value, require(key, true, "an array of strings"));
    if (value->type != GgufValueType::String)
        return wrongType(key, *value, "an array of strings");
    std::vector<std::string> texts(value->count);
    ElementReader reader(*value);
    for (std::string& text : texts)
        text = reader.text();
    return texts;
}

Result<std::vector<std::int64_t>> GgufMetadata::integers(std::string_view key) const
{
    constexpr char kWanted[] = "an array of integers below 2^63";
    PSC_ASSIGN(const GgufValue* value, require(key, true, kWanted));
    if (!isInteger(value->type) && value->type != GgufValueType::Bool)
        return wrongType(key, *value, kWanted);
    std::vector<std::int64_t> integers(value->count);
    ElementReader reader(*value);
    for (std::int64_t& integer : integers) {
        const auto next = reader.integer();
        if (!next)
            return wrongType(key, *value, kWanted);
        integer = *next;
    }
    return integers;
}

Result<std::vector<double>> GgufMetadata::numbers(std::string_view key) const
{
    PSC_ASSIGN(const GgufValue* value, require(key, true, "an array of numbers"));
    if (!isNumber(value->type))
        return wrongType(key, *value, "an array of numbers");
    std::vector<double> numbers(value->count);
    ElementReader reader(*value);
    for (double& number : numbers)
        number = reader.number();
    return numbers;
}

Result<std::string> GgufMetadata::textOr(std::string_view key, std::string_view fallback) const
{
    return contains(key) ? text(key) : Result<std::string>(std::string(fallback));
}

Result<std::int64_t> GgufMetadata::integerOr(std::string_view key, std::int64_t fallback) const
{
    return contains(key) ? integer(key) : Result<std::int64_t>(fallback);
}

Result<double> GgufMetadata::numberOr(std::string_view key, double fallback) const
{
    return contains(key) ? number(key) : Result<double>(fallback);
}

Result<bool> GgufMetadata::booleanOr(std::string_view key, bool fallback) const
{
    return contains(key) ? boolean(key) : Result<bool>(fallback);
}

} // namespace paretoscope::core
