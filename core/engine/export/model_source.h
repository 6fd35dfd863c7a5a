// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/exporter.h"

#include <map>

namespace paretoscope::engine {

/// A model as the stages of a pipeline left it, for exporters. What it is made of outlives it.
class ModelSource : public ExportedModel
{
public:
    /// @param path  where the uncompressed model lies
    ModelSource(const LanguageModel& model, const ModelTensors& tensors, const std::filesystem::path& path);

    const ModelView& view() const override { return m_model.view(); }
    const core::Json& config() const override { return m_tensors.checkpoint().config(); }
    const std::filesystem::path& source() const override { return m_path; }
    const std::vector<Tensor>& tensors() const override { return m_list; }
    core::Result<at::Tensor> values(std::string_view tensor) const override;
    std::shared_ptr<const CompressedTensor> form(std::string_view tensor) const override;
    const std::vector<std::filesystem::path>& companions() const override { return m_companions; }

private:
    const LanguageModel& m_model;
    const ModelTensors& m_tensors;
    std::filesystem::path m_path;
    std::vector<Tensor> m_list;
    std::map<std::string, core::ExpectedTensor, std::less<>> m_expected;
    std::vector<std::filesystem::path> m_companions;
};

} // namespace paretoscope::engine
