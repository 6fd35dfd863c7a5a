// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_file.h"

#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::uint32_t kMagic = 0x46554747; // "GGUF"
constexpr std::size_t kMaxNameBytes = 63;
constexpr std::uint32_t kMaxDims = 4;
constexpr std::int64_t kDefaultAlignment = 32;
constexpr std::uint64_t kSmallestTensorInfo = 8 + 1 + 4 + 4 + 8; // name, number of dimensions, type, offset
constexpr std::int64_t kMaxTensors = 1'000'000;
constexpr char kDamaged[] = "the file is damaged or incomplete; fetch it again";

struct NumberedType
{
    std::uint32_t number;
    GgufTensorType type;
};

constexpr std::optional<ElementType> kUnreadable = std::nullopt;

/// The types of ggml by their number. The codebook ("IQ") and ternary ones are known by size only.
constexpr std::array<NumberedType, 35> kTypes {{
    {0, {"F32", 1, 4, ElementType::F32}},        {1, {"F16", 1, 2, ElementType::F16}},
    {2, {"Q4_0", 32, 18, ElementType::Q4_0}},    {3, {"Q4_1", 32, 20, ElementType::Q4_1}},
    {6, {"Q5_0", 32, 22, ElementType::Q5_0}},    {7, {"Q5_1", 32, 24, ElementType::Q5_1}},
    {8, {"Q8_0", 32, 34, ElementType::Q8_0}},    {9, {"Q8_1", 32, 36, kUnreadable}},
    {10, {"Q2_K", 256, 84, ElementType::Q2_K}},  {11, {"Q3_K", 256, 110, ElementType::Q3_K}},
    {12, {"Q4_K", 256, 144, ElementType::Q4_K}}, {13, {"Q5_K", 256, 176, ElementType::Q5_K}},
    {14, {"Q6_K", 256, 210, ElementType::Q6_K}}, {15, {"Q8_K", 256, 292, kUnreadable}},
    {16, {"IQ2_XXS", 256, 66, kUnreadable}},     {17, {"IQ2_XS", 256, 74, kUnreadable}},
    {18, {"IQ3_XXS", 256, 98, kUnreadable}},     {19, {"IQ1_S", 256, 50, kUnreadable}},
    {20, {"IQ4_NL", 32, 18, kUnreadable}},       {21, {"IQ3_S", 256, 110, kUnreadable}},
    {22, {"IQ2_S", 256, 82, kUnreadable}},       {23, {"IQ4_XS", 256, 136, kUnreadable}},
    {24, {"I8", 1, 1, ElementType::I8}},         {25, {"I16", 1, 2, ElementType::I16}},
    {26, {"I32", 1, 4, ElementType::I32}},       {27, {"I64", 1, 8, ElementType::I64}},
    {28, {"F64", 1, 8, ElementType::F64}},       {29, {"IQ1_M", 256, 56, kUnreadable}},
    {30, {"BF16", 1, 2, ElementType::BF16}},     {34, {"TQ1_0", 256, 54, kUnreadable}},
    {35, {"TQ2_0", 256, 66, kUnreadable}},       {39, {"MXFP4", 32, 17, ElementType::Mxfp4}},
    {40, {"NVFP4", 64, 36, kUnreadable}},        {41, {"Q1_0", 128, 18, kUnreadable}},
    {42, {"Q2_0", 64, 18, kUnreadable}},
}};

const GgufTensorType* typeByNumber(std::uint32_t number)
{
    const auto found = std::ranges::find(kTypes, number, &NumberedType::number);
    return found == kTypes.end() ? nullptr : &found->type;
}

/// The next multiple of `alignment`; nothing on overflow.
std::optional<std::int64_t> paddedTo(std::int64_t value, std::int64_t alignment)
{
    if (__builtin_add_overflow(value, alignment - 1, &value))
        return std::nullopt;
    return value / alignment * alignment;
}

struct Header
{
    std::int64_t tensors = 0;
    std::uint64_t entries = 0;
};

/// A row of the tensor table before its data are located.
struct TensorInfo
{
    GgufTensor tensor;
    std::int64_t bytes = 0;
    std::uint64_t offset = 0;
};

class Parser
{
public:
    Parser(std::span<const std::byte> bytes, std::string source)
        : m_bytes(bytes)
        , m_reader(bytes)
        , m_source(std::move(source))
    {}

    Result<Header> header();
    Result<GgufMetadata> metadata(const Header& header)
    {
        return GgufMetadata::parse(m_reader, header.entries, m_source);
    }
    Result<std::vector<GgufTensor>> tensors(const Header& header, const GgufMetadata& metadata);

private:
    Error fail(const std::string& problem, ErrorCode code = ErrorCode::Corrupt, const char* hint = kDamaged) const
    {
        return {code, m_source + ": " + problem, hint};
    }
    Result<TensorInfo> tensorInfo(const std::string& entry);
    Status readDims(GgufTensor& tensor, const std::string& what);
    Result<std::int64_t> alignment(const GgufMetadata& metadata) const;
    Result<std::vector<GgufTensor>> locate(std::vector<TensorInfo> infos, std::int64_t alignment) const;

    std::span<const std::byte> m_bytes;
    ByteReader m_reader;
    std::string m_source;
};

Result<Header> Parser::header()
{
    if (!isGguf(m_bytes))
        return fail("is not a GGUF file: it does not start with \"GGUF\"");
    m_reader.take<std::uint32_t>();
    const auto version = m_reader.take<std::uint32_t>();
    if (!version)
        return fail("ends after " + std::to_string(m_bytes.size()) + " bytes, before the GGUF version");
    if (*version != 0 && (*version & 0xffff) == 0)
        return fail("is a big-endian GGUF file", ErrorCode::Unsupported,
                    "convert the model for little-endian machines");
    if (*version < 2 || *version > 3)
        return fail("has GGUF version " + std::to_string(*version) + "; versions 2 and 3 are supported",
                    ErrorCode::Unsupported, "convert the model again with a current converter");
    const auto tensors = m_reader.take<std::uint64_t>();
    const auto entries = m_reader.take<std::uint64_t>();
    if (!tensors || !entries)
        return fail("ends after " + std::to_string(m_bytes.size()) + " bytes, inside the GGUF header");
    if (*tensors > m_reader.remaining() / kSmallestTensorInfo)
        return fail("the header states " + std::to_string(*tensors) + " tensors, but only " +
                    std::to_string(m_reader.remaining()) + " bytes follow");
    if (*tensors > static_cast<std::uint64_t>(kMaxTensors))
        return fail("has " + std::to_string(*tensors) + " tensors; at most " + std::to_string(kMaxTensors) +
                        " are read",
                    ErrorCode::Unsupported, "use a model with fewer tensors");
    return Header {static_cast<std::int64_t>(*tensors), *entries};
}

Status Parser::readDims(GgufTensor& tensor, const std::string& what)
{
    const auto count = m_reader.take<std::uint32_t>();
    if (!count)
        return fail(what + " is cut off at the end of the file");
    if (*count > kMaxDims)
        return fail(what + " has " + std::to_string(*count) + " dimensions; at most " + std::to_string(kMaxDims) +
                    " are allowed");
    for (std::uint32_t i = 0; i < *count; ++i) {
        const auto dim = m_reader.take<std::uint64_t>();
        if (!dim)
            return fail(what + " is cut off at the end of the file");
        if (*dim == 0 || *dim >= std::uint64_t(1) << 63)
            return fail(what + " has dimension " + std::to_string(*dim) + "; 1 to 2^63-1 are allowed");
        tensor.dims.push_back(static_cast<std::int64_t>(*dim));
    }
    return success();
}

Result<TensorInfo> Parser::tensorInfo(const std::string& entry)
{
    TensorInfo info;
    const auto name = m_reader.takeText();
    if (!name)
        return fail(entry + ": its name reaches beyond the end of the file");
    if (name->empty() || name->size() > kMaxNameBytes)
        return fail(entry + ": its name has " + std::to_string(name->size()) + " bytes; 1 to " +
                    std::to_string(kMaxNameBytes) + " are allowed");
    if (!isPlainText(*name))
        return fail(entry + ": its name " + inQuotes(*name) + " is not plain UTF-8 text");
    info.tensor.name = *name;
    const std::string what = entry + ", " + inQuotes(*name) + ",";
    PSC_TRY(readDims(info.tensor, what));
    const auto number = m_reader.take<std::uint32_t>();
    const auto offset = m_reader.take<std::uint64_t>();
    if (!number || !offset)
        return fail(what + " is cut off at the end of the file");
    const GgufTensorType* type = typeByNumber(*number);
    if (!type)
        return fail(what + " has the unknown type " + std::to_string(*number), ErrorCode::Unsupported,
                    "convert the model to a type such as Q4_K, Q8_0 or F16");
    info.tensor.type = *type;
    info.offset = *offset;

    auto elements = elementCount(info.tensor.dims);
    if (!elements.ok())
        return fail(what + " has too many elements: " + elements.error().message);
    const std::int64_t row = info.tensor.dims.empty() ? 1 : info.tensor.dims.front();
    if (row % type->blockElements != 0)
        return fail(what + " has rows of " + std::to_string(row) + " elements, which do not fill blocks of " +
                    std::to_string(type->blockElements) + " (" + std::string(type->name) + ")");
    if (__builtin_mul_overflow(elements.value() / type->blockElements, std::int64_t(type->blockBytes), &info.bytes))
        return fail(what + " has too many elements: " + std::to_string(elements.value()));
    return info;
}

Result<std::int64_t> Parser::alignment(const GgufMetadata& metadata) const
{
    constexpr char kKey[] = "general.alignment";
    const GgufValue* value = metadata.find(kKey);
    if (!value)
        return kDefaultAlignment;
    if (value->type != GgufValueType::U32 || value->isArray)
        return fail("metadata key \"general.alignment\" is not a u32");
    PSC_ASSIGN(const std::int64_t alignment, metadata.integer(kKey));
    if (!std::has_single_bit(static_cast<std::uint64_t>(alignment)))
        return fail("general.alignment is " + std::to_string(alignment) + ", which is no power of two");
    return alignment;
}

Result<std::vector<GgufTensor>> Parser::locate(std::vector<TensorInfo> infos, std::int64_t alignment) const
{
    const auto size = static_cast<std::int64_t>(m_bytes.size());
    const auto dataBegin = paddedTo(static_cast<std::int64_t>(m_reader.position()), alignment);
    std::vector<GgufTensor> tensors;
    tensors.reserve(infos.size());
    std::int64_t expected = 0;                                          // offset of the next tensor
    std::int64_t used = static_cast<std::int64_t>(m_reader.position()); // end of what belongs to the file so far
    for (TensorInfo& info : infos) {
        const std::string name = "tensor " + inQuotes(info.tensor.name);
        if (info.offset != static_cast<std::uint64_t>(expected))
            return fail(name + " has offset " + std::to_string(info.offset) + " where " + std::to_string(expected) +
                        " is expected");
        std::int64_t end = 0;
        if (!dataBegin || __builtin_add_overflow(*dataBegin + expected, info.bytes, &end) || end > size)
            return fail(name + " needs " + std::to_string(info.bytes) + " bytes at offset " + std::to_string(expected) +
                        " of the tensor data, but the file ends before, after " + std::to_string(size) + " bytes");
        info.tensor.data =
            m_bytes.subspan(static_cast<std::size_t>(*dataBegin + expected), static_cast<std::size_t>(info.bytes));
        used = end;
        const auto next = paddedTo(expected + info.bytes, alignment);
        if (!next)
            return fail(name + " ends beyond 2^63 bytes");
        expected = *next;
        tensors.push_back(std::move(info.tensor));
    }
    // A tensor count that is too small would make the rest of the table look like weights.
    const auto fullEnd = paddedTo(used, alignment);
    if (fullEnd && size > *fullEnd)
        return fail("holds " + std::to_string(size - *fullEnd) + " bytes after the last of the " +
                    std::to_string(infos.size()) + " tensors that its header states");
    return tensors;
}

Result<std::vector<GgufTensor>> Parser::tensors(const Header& header, const GgufMetadata& metadata)
{
    PSC_ASSIGN(const std::int64_t padding, alignment(metadata));
    std::vector<TensorInfo> infos;
    infos.reserve(static_cast<std::size_t>(header.tensors));
    std::unordered_set<std::string_view> names;
    for (std::int64_t i = 0; i < header.tensors; ++i) {
        const std::string entry = "tensor " + std::to_string(i + 1) + " of " + std::to_string(header.tensors);
        PSC_ASSIGN(TensorInfo info, tensorInfo(entry));
        infos.push_back(std::move(info)); // capacity was reserved: the names stay where they are
        if (!names.insert(infos.back().tensor.name).second)
            return fail(entry + ": the name " + inQuotes(infos.back().tensor.name) + " occurs twice");
    }
    return locate(std::move(infos), padding);
}

} // namespace

std::optional<std::uint32_t> ggufTypeNumber(ElementType type)
{
    const auto found =
        std::ranges::find_if(kTypes, [&](const NumberedType& known) { return known.type.elementType == type; });
    return found == kTypes.end() ? std::nullopt : std::optional(found->number);
}

bool isGguf(std::span<const std::byte> bytes)
{
    return ByteReader(bytes).take<std::uint32_t>() == kMagic;
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string source)
{
    Parser parser(bytes, std::move(source));
    GgufFile file;
    PSC_ASSIGN(const Header header, parser.header());
    PSC_ASSIGN(file.m_metadata, parser.metadata(header));
    PSC_ASSIGN(file.m_tensors, parser.tensors(header, file.m_metadata));
    return file;
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path)
{
    PSC_ASSIGN(MappedFile mapped, MappedFile::open(path));
    PSC_ASSIGN(GgufFile file, parse(mapped.bytes(), path.string()));
    file.m_file = std::move(mapped);
    return file;
}

const GgufTensor* GgufFile::find(std::string_view name) const
{
    const auto found = std::ranges::find(m_tensors, name, &GgufTensor::name);
    return found == m_tensors.end() ? nullptr : &*found;
}

} // namespace paretoscope::core
