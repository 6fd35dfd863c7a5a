// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_writer.h"

#include "core/checkpoint/output_file.h"
#include "core/checkpoint/rounded_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <utility>

namespace paretoscope::core {

struct SafetensorsWriter::Impl
{
    SafetensorsLayout layout;
    OutputFile file;
    bool overwrite = false;
    std::map<std::string, std::int64_t, std::less<>> written = {}; // bytes of each tensor so far

    Result<const SafetensorsLayout::Range*> range(std::string_view tensor) const
    {
        const auto found = layout.ranges.find(tensor);
        if (found == layout.ranges.end())
            return Error {ErrorCode::NotFound,
                          "tensor " + inQuotes(tensor) + " is not among those declared for " + file.path().string(),
                          "declare it when the file is created"};
        return &found->second;
    }
};

SafetensorsWriter::SafetensorsWriter(std::unique_ptr<Impl> impl)
    : m_impl(std::move(impl))
{}
SafetensorsWriter::SafetensorsWriter(SafetensorsWriter&&) noexcept = default;
SafetensorsWriter& SafetensorsWriter::operator=(SafetensorsWriter&&) noexcept = default;
SafetensorsWriter::~SafetensorsWriter() = default;

Result<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path& path,
                                                    std::vector<TensorDeclaration> tensors,
                                                    SafetensorsWriterOptions options)
{
    PSC_ASSIGN(SafetensorsLayout layout, SafetensorsLayout::of(std::move(tensors), std::move(options.metadata)));
    if (!options.overwrite)
        PSC_TRY(requireAbsent(path));
    PSC_ASSIGN(OutputFile file, OutputFile::create(path, layout.fileBytes));
    PSC_TRY(file.writeAt(0, std::as_bytes(std::span(layout.header))));
    return SafetensorsWriter(std::make_unique<Impl>(Impl {std::move(layout), std::move(file), options.overwrite}));
}

const std::filesystem::path& SafetensorsWriter::path() const
{
    return m_impl->file.path();
}

Status SafetensorsWriter::append(std::string_view tensor, std::span<const std::byte> bytes)
{
    PSC_ASSIGN(const SafetensorsLayout::Range* range, m_impl->range(tensor));
    std::int64_t& written = m_impl->written[std::string(tensor)];
    const std::int64_t room = range->end - range->begin - written;
    if (bytes.size() > static_cast<std::uint64_t>(room))
        return Error {ErrorCode::InvalidArgument,
                      "tensor " + inQuotes(tensor) + " has room for " + std::to_string(room) + " more bytes, not for " +
                          std::to_string(bytes.size()),
                      "declare its full shape when the file is created"};
    PSC_TRY(m_impl->file.writeAt(range->begin + written, bytes));
    written += static_cast<std::int64_t>(bytes.size());
    return success();
}

Status SafetensorsWriter::appendFloat32(std::string_view tensor, std::span<const float> values)
{
    PSC_ASSIGN(const SafetensorsLayout::Range* range, m_impl->range(tensor));
    return forRoundedPieces(range->tensor.type, values, tensor,
                            [&](std::span<const std::byte> piece) { return append(tensor, piece); });
}

Status SafetensorsWriter::requireComplete() const
{
    for (const auto& [name, range] : m_impl->layout.ranges) {
        const auto found = m_impl->written.find(name);
        const std::int64_t written = found == m_impl->written.end() ? 0 : found->second;
        if (written != range.end - range.begin)
            return Error {ErrorCode::InvalidArgument,
                          "tensor " + inQuotes(name) + " of " + path().string() + " has " + std::to_string(written) +
                              " of its " + std::to_string(range.end - range.begin) + " bytes",
                          "write every declared tensor before finishing the file"};
    }
    return success();
}

Status SafetensorsWriter::finish()
{
    PSC_TRY(requireComplete());
    return m_impl->file.commit(m_impl->overwrite);
}

} // namespace paretoscope::core
