// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_writer.h"

#include "core/checkpoint/gguf_bytes.h"
#include "core/checkpoint/gguf_file.h"
#include "core/checkpoint/output_file.h"
#include "core/checkpoint/rounded_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <map>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kAlignment = 32;
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxNameBytes = 63;
constexpr std::size_t kMaxDims = 4;

std::int64_t padded(std::int64_t bytes)
{
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

struct Range
{
    ElementType type = ElementType::F32;
    std::int64_t begin = 0; ///< of the bytes that are still to come
    std::int64_t end = 0;
};
using Ranges = std::map<std::string, Range, std::less<>>;

Error cannotWrite(const TensorDeclaration& tensor, const std::string& why)
{
    return {ErrorCode::InvalidArgument, "tensor " + inQuotes(tensor.name) + " cannot be written to a GGUF file: " + why,
            "choose another format"};
}

/// Bytes of the tensor. Errors: as GgufWriter::create.
Result<std::int64_t> bytesOf(const TensorDeclaration& tensor)
{
    const std::string_view type = layoutOf(tensor.type).name;
    if (!ggufTypeNumber(tensor.type))
        return Error {ErrorCode::Unsupported,
                      "tensor " + inQuotes(tensor.name) + " has type " + std::string(type) +
                          ", which GGUF does not have",
                      "choose another type"};
    if (tensor.name.empty() || tensor.name.size() > kMaxNameBytes)
        return cannotWrite(tensor,
                           "its name has " + std::to_string(tensor.name.size()) + " bytes; 1 to 63 are allowed");
    if (tensor.shape.size() > kMaxDims)
        return cannotWrite(tensor, "it has " + std::to_string(tensor.shape.size()) + " dimensions; 4 are allowed");
    const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    const int block = layoutOf(tensor.type).blockElements;
    if (row % block != 0)
        return cannotWrite(tensor, "its rows of " + std::to_string(row) + " do not fill blocks of " +
                                       std::to_string(block) + " (" + std::string(type) + ")");
    PSC_ASSIGN(const std::int64_t elements, elementCount(tensor.shape));
    PSC_ASSIGN(const Bytes bytes, storedBytes(tensor.type, elements));
    return bytes.value;
}

} // namespace

struct GgufWriter::Impl
{
    OutputFile file;
    Ranges ranges;

    Result<Range*> range(std::string_view tensor)
    {
        const auto found = ranges.find(tensor);
        if (found == ranges.end())
            return Error {ErrorCode::NotFound,
                          "tensor " + inQuotes(tensor) + " is not among those declared for " + file.path().string(),
                          "declare it when the file is created"};
        return &found->second;
    }
};

GgufWriter::GgufWriter(std::unique_ptr<Impl> impl)
    : m_impl(std::move(impl))
{}
GgufWriter::GgufWriter(GgufWriter&&) noexcept = default;
GgufWriter& GgufWriter::operator=(GgufWriter&&) noexcept = default;
GgufWriter::~GgufWriter() = default;

Result<GgufWriter> GgufWriter::create(const std::filesystem::path& path, const GgufEntries& entries,
                                      const std::vector<TensorDeclaration>& tensors)
{
    std::string head = "GGUF";
    appendNumber(head, kVersion);
    appendNumber(head, static_cast<std::uint64_t>(tensors.size()));
    appendNumber(head, entries.count());
    head += entries.encoded();

    Ranges ranges;
    std::int64_t offset = 0; // from where the data begin
    for (const TensorDeclaration& tensor : tensors) {
        PSC_ASSIGN(const std::int64_t bytes, bytesOf(tensor));
        if (!ranges.emplace(tensor.name, Range {tensor.type, offset, offset + bytes}).second)
            return cannotWrite(tensor, "its name occurs twice");
        appendText(head, tensor.name);
        appendNumber(head, static_cast<std::uint32_t>(tensor.shape.size()));
        for (auto dim = tensor.shape.rbegin(); dim != tensor.shape.rend(); ++dim) // innermost first
            appendNumber(head, static_cast<std::uint64_t>(*dim));
        appendNumber(head, *ggufTypeNumber(tensor.type));
        appendNumber(head, static_cast<std::uint64_t>(offset));
        offset = padded(offset + bytes);
    }
    head.resize(static_cast<std::size_t>(padded(static_cast<std::int64_t>(head.size()))), '\0');
    for (auto& [name, range] : ranges) {
        range.begin += static_cast<std::int64_t>(head.size());
        range.end += static_cast<std::int64_t>(head.size());
    }

    PSC_TRY(requireAbsent(path));
    PSC_ASSIGN(OutputFile file, OutputFile::create(path, static_cast<std::int64_t>(head.size()) + offset));
    PSC_TRY(file.writeAt(0, std::as_bytes(std::span(head))));
    return GgufWriter(std::make_unique<Impl>(Impl {std::move(file), std::move(ranges)}));
}

Status GgufWriter::append(std::string_view tensor, std::span<const std::byte> bytes)
{
    PSC_ASSIGN(Range * range, m_impl->range(tensor));
    const std::int64_t room = range->end - range->begin;
    if (bytes.size() > static_cast<std::uint64_t>(room))
        return Error {ErrorCode::InvalidArgument,
                      "tensor " + inQuotes(tensor) + " has room for " + std::to_string(room) + " more bytes, not for " +
                          std::to_string(bytes.size()),
                      "declare its full shape when the file is created"};
    PSC_TRY(m_impl->file.writeAt(range->begin, bytes));
    range->begin += static_cast<std::int64_t>(bytes.size());
    return success();
}

Status GgufWriter::appendFloat32(std::string_view tensor, std::span<const float> values)
{
    PSC_ASSIGN(const Range* range, m_impl->range(tensor));
    return forRoundedPieces(range->type, values, tensor,
                            [&](std::span<const std::byte> piece) { return append(tensor, piece); });
}

Status GgufWriter::finish()
{
    for (const auto& [name, range] : m_impl->ranges) {
        if (range.begin != range.end)
            return Error {ErrorCode::InvalidArgument,
                          "tensor " + inQuotes(name) + " of " + m_impl->file.path().string() + " lacks " +
                              std::to_string(range.end - range.begin) + " of its bytes",
                          "write every declared tensor before finishing the file"};
    }
    return m_impl->file.commit(false);
}

} // namespace paretoscope::core
