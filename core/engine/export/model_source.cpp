// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/model_source.h"

#include "core/engine/device/transfer.h"

#include <array>
#include <system_error>

namespace paretoscope::engine {

namespace {

constexpr std::array kCompanions {"tokenizer.json",    "tokenizer_config.json",  "special_tokens_map.json",
                                  "added_tokens.json", "tokenizer.model",        "vocab.json",
                                  "merges.txt",        "generation_config.json", "chat_template.jinja"};

} // namespace

ModelSource::ModelSource(const LanguageModel& model, const ModelTensors& tensors, const std::filesystem::path& path)
    : m_model(model)
    , m_tensors(tensors)
    , m_path(path)
{
    for (const core::ExpectedTensor& expected : model.architecture().tensors()) {
        const core::TensorInfo* info = tensors.checkpoint().find(expected.name);
        if (!info) // tied to another one
            continue;
        m_list.push_back({info->name, info->shape, info->type});
        m_expected.emplace(info->name, expected);
    }
    for (const char* name : kCompanions) {
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path / name, ignored))
            m_companions.push_back(path / name);
    }
}

core::Result<at::Tensor> ModelSource::values(std::string_view tensor) const
{
    const auto found = m_expected.find(tensor);
    if (found == m_expected.end())
        return core::Error {core::ErrorCode::NotFound, "the model has no tensor " + std::string(tensor), {}};
    const core::ExpectedTensor& expected = found->second;
    const auto asStored = [&](const at::Tensor& value) {
        return toHost(expected.transposed && value.dim() == 2 ? value.t().contiguous() : value);
    };
    if (expected.stacked == 0) {
        PSC_ASSIGN(const at::Tensor value, m_tensors.read(tensor));
        return asStored(value);
    }
    std::vector<at::Tensor> matrices;
    for (std::int64_t index = 0; index < expected.stacked; ++index) {
        PSC_ASSIGN(const at::Tensor value, m_tensors.read(core::stackedName(expected.name, index)));
        matrices.push_back(asStored(value));
    }
    return at::stack(matrices);
}

std::shared_ptr<const CompressedTensor> ModelSource::form(std::string_view tensor) const
{
    const auto found = m_expected.find(tensor);
    const bool isWhole = found != m_expected.end() && found->second.stacked == 0 && !found->second.transposed;
    return isWhole ? m_tensors.replacement(tensor) : nullptr;
}

} // namespace paretoscope::engine
