// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/language_model.h"

#include "core/engine/kernels/transformer.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

std::vector<std::string> namesOf(const std::vector<core::ExpectedTensor>& tensors)
{
    std::vector<std::string> names;
    for (const core::ExpectedTensor& tensor : tensors)
        appendGraphNames(names, tensor);
    return names;
}

} // namespace

LanguageModel::LanguageModel(core::Architecture architecture)
    : m_architecture(std::make_unique<const core::Architecture>(std::move(architecture)))
    , m_rotaryTables(std::make_unique<RotaryTables>())
{
    m_view.workload = "causal-lm";
    m_view.blocks = static_cast<int>(m_architecture->blocks.size());
    ViewBuilder builder(m_view);
    for (const core::BlockSpec& spec : m_architecture->blocks) {
        builder.setBlock(static_cast<int>(m_blocks.size()));
        m_blocks.emplace_back(spec).describe(builder);
    }
}

int LanguageModel::steps(int block) const
{
    return m_blocks[static_cast<std::size_t>(block)].steps();
}

std::vector<std::string> LanguageModel::blockTensors(int block) const
{
    std::vector<core::ExpectedTensor> tensors;
    appendTensors(tensors, m_architecture->blocks[static_cast<std::size_t>(block)]);
    return namesOf(tensors);
}

std::vector<std::string> LanguageModel::entryTensors() const
{
    std::vector<core::ExpectedTensor> tensors;
    appendTensors(tensors, m_architecture->entry);
    return namesOf(tensors);
}

at::Tensor LanguageModel::enter(const std::vector<std::int32_t>& sample, const TensorSource& tensors) const
{
    const core::EntrySpec& entry = m_architecture->entry;
    const at::Tensor ids = at::tensor(at::ArrayRef<std::int32_t>(sample), at::kInt);
    at::Tensor state = at::embedding(tensors.tensor(entry.embedding), ids);
    if (entry.scale != 1)
        state = state * entry.scale;
    if (entry.projection)
        state = applyLinear(state, *entry.projection, tensors);
    if (entry.positions)
        state = state + tensors.tensor(entry.positions->weight).narrow(0, entry.positions->offset, ids.size(0));
    return state;
}

std::unique_ptr<BlockPass> LanguageModel::begin(int block, int sample, at::Tensor state, const TensorSource& tensors,
                                                const Hooks& hooks) const
{
    return std::make_unique<DecoderPass>(
        m_blocks[static_cast<std::size_t>(block)],
        PassContext {.rotary = *m_rotaryTables, .hooks = hooks, .block = block, .sample = sample}, std::move(state),
        tensors);
}

std::vector<std::string> LanguageModel::headTensors() const
{
    std::vector<core::ExpectedTensor> tensors;
    appendTensors(tensors, m_architecture->head);
    std::vector<std::string> names = namesOf(tensors);
    names.push_back(m_architecture->head.weight);
    return names;
}

at::Tensor LanguageModel::logits(const at::Tensor& hidden, const TensorSource& tensors) const
{
    const core::HeadSpec& head = m_architecture->head;
    at::Tensor state = head.norm ? applyNorm(hidden, *head.norm, tensors) : hidden;
    if (head.projection)
        state = applyLinear(state, *head.projection, tensors);
    at::Tensor logits =
        at::linear(state, tensors.tensor(head.weight), head.bias.empty() ? at::Tensor() : tensors.tensor(head.bias));
    if (head.multiplier != 1)
        logits = logits * head.multiplier;
    return softCapped(logits, head.softCap);
}

} // namespace paretoscope::engine
