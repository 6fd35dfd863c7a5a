// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/exporter.h"

#include <map>
#include <optional>

namespace paretoscope::engine {

/// Writes a Hugging Face folder: config.json, the weights in shards, the companions of the source. Exporters say which
/// tensors become others.
class ModelFolder
{
public:
    /// @param type  of the tensors that stay whole: F32, F16 or BF16; nothing: the one they have in the source,
    /// bfloat16
    ///              where that is no plain one
    ModelFolder(const ExportedModel& model, std::optional<core::ElementType> type);

    /// These parts stand for the tensor: float32, float16, bfloat16, int32, int64 or uint8, on the host.
    void replace(const std::string& tensor, TensorParts parts);
    /// Errors: Io (folder not writable, disk full); reading errors.
    core::Status write(const std::filesystem::path& folder, const core::Json& config) const;

    /// In which a tensor that stays whole is written.
    core::ElementType typeOf(const ExportedModel::Tensor& tensor) const;

private:
    const ExportedModel& m_model;
    std::optional<core::ElementType> m_type;
    std::map<std::string, TensorParts> m_replaced;
};

/// config.json of the source without what says how its weights were quantised.
core::Json plainConfig(const ExportedModel& model);

/// A Hugging Face folder with plain weights (specs formats 2). @param type  as that of ModelFolder. Errors: as write.
core::Status writePlainModel(const ExportedModel& model, const std::filesystem::path& folder,
                             std::optional<core::ElementType> type);

} // namespace paretoscope::engine
