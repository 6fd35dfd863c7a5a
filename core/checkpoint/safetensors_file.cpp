// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_file.h"

#include "core/checkpoint/byte_reader.h"
#include "core/checkpoint/dequantize.h"
#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/safetensors_dtypes.h"
#include "core/checkpoint/safetensors_header.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000; // the cap of the reference reader
constexpr char kDamaged[] = "the file is damaged or incomplete; fetch it again";

/// Checks the entries of one header against each other and against the file.
class EntryChecks
{
public:
    EntryChecks(std::vector<SafetensorsHeaderEntry>& entries, std::string source, std::int64_t dataBytes)
        : m_entries(entries)
        , m_source(std::move(source))
        , m_dataBytes(dataBytes)
    {}

    Status run()
    {
        std::ranges::stable_sort(m_entries, {}, [](const auto& entry) { return std::pair(entry.begin, entry.end); });
        PSC_TRY(offsetsAreContiguous());
        PSC_TRY(sizesMatchShapes());
        PSC_TRY(fileIsComplete());
        return typesAreSupported();
    }

private:
    Error fail(const std::string& problem) const { return {ErrorCode::Corrupt, m_source + ": " + problem, kDamaged}; }
    Status offsetsAreContiguous() const;
    Status sizesMatchShapes() const;
    Status fileIsComplete() const;
    Status typesAreSupported() const;

    std::vector<SafetensorsHeaderEntry>& m_entries;
    std::string m_source;
    std::int64_t m_dataBytes;
};

Status EntryChecks::offsetsAreContiguous() const
{
    std::int64_t expected = 0;
    for (const SafetensorsHeaderEntry& entry : m_entries) {
        const std::string range = std::to_string(entry.begin) + ".." + std::to_string(entry.end);
        if (entry.begin > entry.end)
            return fail("tensor " + inQuotes(entry.name) + " has data_offsets " + range + ", which run backwards");
        if (entry.begin != expected)
            return fail("tensor " + inQuotes(entry.name) + " has data_offsets " + range + " where " +
                        std::to_string(expected) + " is expected: tensors " +
                        (entry.begin < expected ? "overlap" : "leave a hole"));
        expected = entry.end;
    }
    return success();
}

Status EntryChecks::sizesMatchShapes() const
{
    for (const SafetensorsHeaderEntry& entry : m_entries) {
        const SafetensorsDtype* dtype = safetensorsDtype(entry.dtype);
        if (!dtype)
            continue; // reported last
        const auto elements = elementCount(entry.shape);
        std::int64_t bits = 0;
        const bool fits = elements.ok() && !__builtin_mul_overflow(elements.value(), std::int64_t(dtype->bits), &bits);
        if (!fits || bits % 8 != 0 || bits / 8 != entry.end - entry.begin)
            return fail("tensor " + inQuotes(entry.name) + " has " + std::to_string(entry.end - entry.begin) +
                        " bytes, but shape " + shapeText(entry.shape) + " of " + entry.dtype + " needs " +
                        (fits ? std::to_string(bits / 8) : "more than 2^60"));
    }
    return success();
}

Status EntryChecks::fileIsComplete() const
{
    const std::int64_t stated = m_entries.empty() ? 0 : m_entries.back().end;
    if (stated == m_dataBytes)
        return success();
    return fail("the header states " + std::to_string(stated) + " bytes of tensors, but " +
                std::to_string(m_dataBytes) + " bytes follow it");
}

Status EntryChecks::typesAreSupported() const
{
    for (const SafetensorsHeaderEntry& entry : m_entries) {
        const SafetensorsDtype* dtype = safetensorsDtype(entry.dtype);
        if (!dtype || !dtype->type)
            return Error {ErrorCode::Unsupported,
                          m_source + ": tensor " + inQuotes(entry.name) + " has the " +
                              (dtype ? "unsupported" : "unknown") + " dtype " + inQuotes(entry.dtype),
                          "convert the model to a type such as BF16, F16 or F8_E4M3"};
    }
    return success();
}

} // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string source)
{
    const auto fail = [&](const std::string& problem) {
        return Error {ErrorCode::Corrupt, source + ": " + problem, kDamaged};
    };
    if (const auto foreign = foreignFile(bytes, source))
        return *foreign;
    ByteReader reader(bytes);
    const auto headerBytes = reader.take<std::uint64_t>();
    if (!headerBytes)
        return fail("has " + std::to_string(bytes.size()) + " bytes; a safetensors file has at least 8");
    if (*headerBytes > kMaxHeaderBytes)
        return fail("is no safetensors file or is damaged: its header would have " + std::to_string(*headerBytes) +
                    " bytes, and at most " + std::to_string(kMaxHeaderBytes) + " are allowed");
    const auto json = reader.takeBytes(*headerBytes);
    if (!json)
        return fail("ends after " + std::to_string(bytes.size()) + " bytes, inside its header of " +
                    std::to_string(*headerBytes) + " bytes");
    PSC_ASSIGN(SafetensorsHeader header,
               parseSafetensorsHeader({reinterpret_cast<const char*>(json->data()), json->size()}, source));
    PSC_TRY(EntryChecks(header.entries, source, static_cast<std::int64_t>(reader.remaining())).run());

    SafetensorsFile file;
    file.m_source = std::move(source);
    file.m_metadata = std::move(header.metadata);
    const auto data = bytes.subspan(reader.position());
    for (SafetensorsHeaderEntry& entry : header.entries)
        file.m_tensors.push_back(
            {std::move(entry.name), *safetensorsDtype(entry.dtype)->type, std::move(entry.shape),
             data.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(entry.end - entry.begin))});
    std::ranges::sort(file.m_tensors, {}, &SafetensorsEntry::name);
    return file;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path)
{
    PSC_ASSIGN(MappedFile mapped, MappedFile::open(path));
    PSC_ASSIGN(SafetensorsFile file, parse(mapped.bytes(), path.string()));
    file.m_file = std::move(mapped);
    return file;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const
{
    const auto found = std::ranges::lower_bound(m_tensors, name, {}, &SafetensorsEntry::name);
    return found != m_tensors.end() && found->name == name ? &*found : nullptr;
}

Status SafetensorsFile::readFloat32(std::string_view name, std::span<float> out) const
{
    const SafetensorsEntry* entry = find(name);
    if (!entry)
        return Error {ErrorCode::NotFound, m_source + " has no tensor " + inQuotes(name), "check the name"};
    return dequantizeTensor({m_source, name, entry->type, entry->data}, out);
}

Result<std::vector<float>> SafetensorsFile::readFloat32(std::string_view name) const
{
    const SafetensorsEntry* entry = find(name);
    const auto elements = entry ? elementCount(entry->shape).value() : 0;
    std::vector<float> values(static_cast<std::size_t>(elements));
    PSC_TRY(readFloat32(name, values));
    return values;
}

} // namespace paretoscope::core
