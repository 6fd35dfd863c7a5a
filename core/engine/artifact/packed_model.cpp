// SPDX-License-Identifier: Apache-2.0
#include "core/engine/artifact/packed_model.h"

#include "core/base/json.h"
#include "core/checkpoint/output_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/layout/part_types.h"
#include "core/engine/model/packed_tensor.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;
using core::Json;

// Keys of the file's metadata.
constexpr const char* kForm = "paretoscope.packed_model";
constexpr const char* kFormVersion = "1";
constexpr const char* kModel = "paretoscope.model_sha256";
constexpr const char* kTensors = "paretoscope.tensors"; ///< {tensor: {"layout", "description", "parts"} or {"same_as"}}

std::string partName(const std::string& tensor, const std::string& part)
{
    return tensor + '/' + part;
}

core::Error noReader(const std::string& tensor, const CompressedTensor& value)
{
    return {core::ErrorCode::Unsupported,
            tensor + " is laid out as \"" + std::string(value.layout()) + "\", which cannot be read back",
            "the model is compressed again when another metric needs it"};
}

/// One of this process, so that a file that was left unfinished is told from one that is being written.
fs::path unfinishedFile(const fs::path& folder)
{
    return folder / ("unfinished-" + std::to_string(::getpid()));
}

core::Error damaged(const fs::path& file, const std::string& why)
{
    return {core::ErrorCode::Corrupt, "the kept model " + file.string() + " cannot be used: " + why,
            "drop it; the next sweep that needs it makes it again"};
}

core::Result<at::Tensor> readPart(const core::SafetensorsFile& file, const std::string& name)
{
    const core::SafetensorsEntry* entry = file.find(name);
    const auto type = entry ? scalarTypeOf(entry->type) : std::nullopt;
    if (!type)
        return damaged(file.source(), name + " is missing or of another type");
    at::Tensor part = at::empty(entry->shape, *type); // the header was checked against the size of the file
    std::memcpy(part.mutable_data_ptr(), entry->data.data(), entry->data.size());
    return part;
}

ReadTensor readTensor(const core::SafetensorsFile& file, const std::string& name, const Json& header,
                      const TensorLayouts& layouts)
{
    TensorParts parts;
    for (const Json& part : header.at("parts")) {
        const auto partOfIt = part.get<std::string>();
        PSC_ASSIGN(at::Tensor value, readPart(file, partName(name, partOfIt)));
        parts.emplace_back(partOfIt, std::move(value));
    }
    return layouts.read(header.at("layout").get<std::string>(), header.at("description"), parts);
}

core::Result<ModelTensors> unpacked(const core::SafetensorsFile& file, const core::Sha256Digest& model,
                                    ModelTensors tensors)
{
    const auto& metadata = file.metadata();
    const auto text = [&](const char* key) {
        const auto found = metadata.find(key);
        return found == metadata.end() ? std::string() : found->second;
    };
    if (text(kForm) != kFormVersion)
        return damaged(file.source(), "it is no packed model of form " + std::string(kFormVersion));
    if (text(kModel) != model.hex())
        return damaged(file.source(), "it was made from another model");
    PSC_ASSIGN(const Json headers, core::parseJson(text(kTensors), file.source()));
    for (const auto& [name, header] : headers.items()) {
        if (header.contains("same_as"))
            continue;
        PSC_ASSIGN(const std::shared_ptr<const CompressedTensor> tensor,
                   readTensor(file, name, header, tensors.layouts()));
        if (tensors.shape(name) != tensor->dequantize().sizes().vec())
            return damaged(file.source(), "the model has no " + name + " of this shape");
        tensors.replace(name, tensor);
        // Should the scratch disk be full, the tensor stays in memory.
        static_cast<void>(tensors.spill(name));
    }
    for (const auto& [name, header] : headers.items()) {
        if (!header.contains("same_as"))
            continue;
        const auto other = header.at("same_as").get<std::string>();
        const auto shared = tensors.replacement(other);
        if (!shared || tensors.shape(name) != tensors.shape(other))
            return damaged(file.source(), name + " refers to a tensor that is not there");
        tensors.replace(name, shared);
    }
    return tensors;
}

} // namespace

ModelPacker::ModelPacker(const ModelTensors& tensors, std::vector<core::TensorDeclaration> parts,
                         std::map<std::string, std::string> metadata, core::Bytes bytes)
    : m_tensors(tensors)
    , m_parts(std::move(parts))
    , m_metadata(std::move(metadata))
    , m_bytes(bytes)
{}

core::Result<ModelPacker> ModelPacker::of(const ModelTensors& tensors, const core::Sha256Digest& model)
{
    std::vector<core::TensorDeclaration> declarations;
    std::map<const CompressedTensor*, std::string> first; // under which name a tensor of several names is written
    Json headers = Json::object();
    for (const auto& [name, tensor] : tensors.replacements()) {
        if (const auto [known, isNew] = first.emplace(tensor.get(), name); !isNew) {
            headers[name] = {{"same_as", known->second}};
            continue;
        }
        if (!tensors.layouts().canRead(*tensor))
            return noReader(name, *tensor);
        Json parts = Json::array();
        for (const auto& [part, value] : tensor->serialise()) {
            const auto type = elementTypeOf(value.scalar_type());
            if (!type)
                return noReader(name, *tensor);
            declarations.push_back({partName(name, part), *type, value.sizes().vec()});
            parts.push_back(part);
        }
        headers[name] = {
            {"layout", tensor->layout()}, {"description", tensor->description()}, {"parts", std::move(parts)}};
    }
    std::map<std::string, std::string> metadata {
        {kForm, kFormVersion}, {kModel, model.hex()}, {kTensors, core::canonicalJson(headers)}};
    PSC_ASSIGN(const core::SafetensorsLayout layout, core::SafetensorsLayout::of(declarations, metadata));
    return ModelPacker(tensors, std::move(declarations), std::move(metadata), {layout.fileBytes});
}

core::Result<PackedModel> ModelPacker::write(const fs::path& folder) const
{
    std::error_code problem;
    fs::create_directories(folder, problem); // what is wrong shows with the file
    const fs::path unfinished = unfinishedFile(folder);
    PSC_ASSIGN(core::SafetensorsWriter writer,
               core::SafetensorsWriter::create(unfinished, m_parts, {.metadata = m_metadata, .overwrite = true}));
    std::set<const CompressedTensor*> written;
    for (const auto& [name, tensor] : m_tensors.replacements()) {
        if (!written.insert(tensor.get()).second)
            continue;
        for (const auto& [part, value] : tensor->serialise()) {
            const at::Tensor bytes = toHost(value);
            PSC_TRY(writer.append(
                partName(name, part),
                std::as_bytes(std::span(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()))));
        }
    }
    PSC_TRY(writer.finish());
    PSC_ASSIGN(const core::Sha256Digest digest, core::sha256OfFile(unfinished));
    fs::rename(unfinished, folder / digest.hex(), problem);
    if (problem) {
        std::error_code ignored;
        fs::remove(unfinished, ignored);
        return core::Error {core::ErrorCode::Io,
                            "cannot name the packed model in " + folder.string() + ": " + problem.message(),
                            "make the folder writable"};
    }
    core::syncFolder(folder);
    return PackedModel {digest, m_bytes};
}

core::Status unpackModel(const fs::path& file, const core::Sha256Digest& digest, const core::Sha256Digest& model,
                         ModelTensors& tensors)
{
    PSC_ASSIGN(const core::Sha256Digest found, core::sha256OfFile(file));
    if (found != digest)
        return damaged(file, "its content was changed");
    return guarded("reading the kept model", [&]() -> core::Status {
        PSC_ASSIGN(const core::SafetensorsFile content, core::SafetensorsFile::open(file));
        PSC_ASSIGN(tensors, unpacked(content, model, tensors));
        return core::success();
    });
}

} // namespace paretoscope::engine
