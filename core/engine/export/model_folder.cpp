// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/model_folder.h"

#include "core/base/assert.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_folder_writer.h"
#include "core/engine/layout/part_types.h"

#include <span>
#include <system_error>

namespace paretoscope::engine {

namespace {

using core::ElementType;

std::span<const std::byte> bytesOf(const at::Tensor& part)
{
    return {static_cast<const std::byte*>(part.const_data_ptr()), part.nbytes()};
}

} // namespace

ModelFolder::ModelFolder(const ExportedModel& model, std::optional<ElementType> type)
    : m_model(model)
    , m_type(type)
{}

void ModelFolder::replace(const std::string& tensor, TensorParts parts)
{
    m_replaced.insert_or_assign(tensor, std::move(parts));
}

ElementType ModelFolder::typeOf(const ExportedModel::Tensor& tensor) const
{
    if (m_type)
        return *m_type;
    const bool isPlain = tensor.type == ElementType::F32 || tensor.type == ElementType::F16;
    return isPlain ? tensor.type : ElementType::BF16;
}

core::Status ModelFolder::write(const std::filesystem::path& folder, const core::Json& config) const
{
    std::vector<core::TensorDeclaration> declarations;
    for (const ExportedModel::Tensor& tensor : m_model.tensors()) {
        const auto replaced = m_replaced.find(tensor.name);
        if (replaced == m_replaced.end()) {
            declarations.push_back({tensor.name, typeOf(tensor), tensor.shape});
            continue;
        }
        for (const auto& [name, part] : replaced->second) {
            const auto type = elementTypeOf(part.scalar_type());
            PSC_ASSERT(type, "an exporter wrote a part of a type that has no name in safetensors");
            declarations.push_back({name, *type, part.sizes().vec()});
        }
    }
    PSC_ASSIGN(core::SafetensorsFolderWriter writer, core::SafetensorsFolderWriter::create(folder, declarations));
    for (const ExportedModel::Tensor& tensor : m_model.tensors()) {
        const auto replaced = m_replaced.find(tensor.name);
        if (replaced != m_replaced.end()) {
            for (const auto& [name, part] : replaced->second)
                PSC_TRY(writer.append(name, bytesOf(part.contiguous())));
            continue;
        }
        PSC_ASSIGN(at::Tensor values, m_model.values(tensor.name));
        values = values.contiguous();
        PSC_TRY(writer.appendFloat32(tensor.name,
                                     {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())}));
    }
    PSC_TRY(writer.finish());
    PSC_TRY(core::writeFileAtomically(folder / "config.json", config.dump(2) + "\n"));
    for (const std::filesystem::path& companion : m_model.companions()) {
        std::error_code problem;
        std::filesystem::copy_file(companion, folder / companion.filename(), problem);
        if (problem)
            return core::Error {core::ErrorCode::Io,
                                "cannot copy " + companion.string() + " to " + folder.string() + ": " +
                                    problem.message(),
                                "free space, or choose another folder"};
    }
    return core::success();
}

core::Json plainConfig(const ExportedModel& model)
{
    core::Json config = model.config();
    config.erase("quantization_config");
    return config;
}

core::Status writePlainModel(const ExportedModel& model, const std::filesystem::path& folder,
                             std::optional<ElementType> type)
{
    core::Json config = plainConfig(model);
    if (type)
        config["torch_dtype"] = *type == ElementType::F32   ? "float32"
                                : *type == ElementType::F16 ? "float16"
                                                            : "bfloat16";
    else if (!config.contains("torch_dtype") && !config.contains("dtype"))
        config["torch_dtype"] = "bfloat16";
    return ModelFolder(model, type).write(folder, config);
}

} // namespace paretoscope::engine
