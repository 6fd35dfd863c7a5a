// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"

#include "core/base/assert.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/gguf_checkpoint.h"
#include "core/checkpoint/gguf_file.h"
#include "core/checkpoint/hugging_face_checkpoint.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <new>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

/// The error for a file that is no GGUF file.
Error notAModelFile(const fs::path& file, std::span<const std::byte> bytes)
{
    if (const auto foreign = foreignFile(bytes, file.string()))
        return *foreign;
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    if (file.extension() == ".safetensors" || file.extension() == ".json")
        return {ErrorCode::InvalidArgument, file.string() + " is one file of a model folder",
                "give the folder, " + folder};
    if (file.extension() == ".gguf")
        return {ErrorCode::Corrupt, file.string() + " is not a GGUF file: it does not start with \"GGUF\"",
                "the file is damaged or incomplete; fetch it again"};
    return {ErrorCode::Unsupported, file.string() + " is neither a GGUF file nor a model folder",
            "give a Hugging Face model folder or a .gguf file"};
}

Result<std::unique_ptr<Checkpoint>> openAny(const fs::path& model)
{
    std::error_code failed;
    const fs::file_status status = fs::status(model, failed);
    if (!fs::exists(status))
        return Error {ErrorCode::NotFound, "model " + model.string() + " does not exist", "check the path"};
    if (fs::is_directory(status))
        return openHuggingFaceFolder(model);
    bool gguf = false;
    {
        PSC_ASSIGN(const MappedFile file, MappedFile::open(model));
        gguf = isGguf(file.bytes());
        if (!gguf)
            return notAModelFile(model, file.bytes());
    }
    return openGgufCheckpoint(model);
}

} // namespace

std::int64_t TensorInfo::elements() const
{
    const auto count = elementCount(shape);
    PSC_ASSERT(count.ok(), "readers check the shape of every tensor");
    return count.value();
}

const std::vector<std::string>& Checkpoint::warnings() const
{
    static const std::vector<std::string> none;
    return none;
}

const TensorInfo* Checkpoint::find(std::string_view name) const
{
    const auto& all = tensors();
    const auto found =
        std::ranges::lower_bound(all, name, {}, [](const TensorInfo& info) -> std::string_view { return info.name; });
    return found != all.end() && found->name == name ? &*found : nullptr;
}

Status Checkpoint::readSlice(std::string_view name, std::int64_t index, std::span<float> out) const
{
    const TensorInfo* tensor = find(name);
    if (!tensor)
        return Error {ErrorCode::NotFound, files().front().parent_path().string() + " has no tensor " + inQuotes(name),
                      "\"inspect\" lists the tensors"};
    const std::int64_t slices = tensor->shape.empty() ? 0 : tensor->shape.front();
    if (index < 0 || index >= slices || out.size() != static_cast<std::uint64_t>(tensor->elements() / slices))
        return Error {ErrorCode::InvalidArgument,
                      "tensor " + inQuotes(name) + " of shape " + shapeText(tensor->shape) + " has no slice " +
                          std::to_string(index) + " of " + std::to_string(out.size()) + " elements",
                      "give an index below its first dimension and room for exactly one slice"};
    return sliceOf(*tensor, index, out);
}

Status Checkpoint::sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const
{
    std::vector<float> whole(static_cast<std::size_t>(tensor.elements()));
    PSC_TRY(readFloat32(tensor.name, whole));
    std::ranges::copy(std::span(whole).subspan(static_cast<std::size_t>(index) * out.size(), out.size()), out.begin());
    return success();
}

Bytes Checkpoint::storedBytes() const
{
    Bytes sum;
    for (const TensorInfo& tensor : tensors())
        sum += tensor.stored;
    return sum;
}

Result<std::unique_ptr<Checkpoint>> openCheckpoint(const fs::path& model)
{
    try {
        return openAny(model);
    } catch (const std::bad_alloc&) {
        return Error {ErrorCode::OutOfMemory, "opening " + model.string() + " needs more memory than there is",
                      "close other programs, or use a smaller model"};
    } catch (const fs::filesystem_error& failure) {
        return Error {ErrorCode::Io, "cannot read " + model.string() + ": " + failure.code().message(),
                      "check permissions and the disk"};
    }
}

} // namespace paretoscope::core
