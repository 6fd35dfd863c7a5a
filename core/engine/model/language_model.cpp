// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/language_model.h"

#include "core/engine/device/transfer.h"
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
        const DecoderBlock& block = m_blocks.emplace_back(spec);
        block.describe(builder);
        const core::RotarySpec* rotary = block.attention() ? block.attention()->rotary() : nullptr;
        if (rotary && rotary->alikeUpTo > 0)
            m_varyingRotaries.push_back(rotary);
    }
}

core::Status LanguageModel::requireLength(std::size_t tokens) const
{
    const auto& positions = m_architecture->entry.positions;
    if (!positions || static_cast<std::int64_t>(tokens) <= positions->positions)
        return core::success();
    return core::Error {core::ErrorCode::InvalidArgument,
                        "a sequence of " + std::to_string(tokens) + " tokens does not fit the " +
                            std::to_string(positions->positions) + " positions that this model has learned",
                        "use sequences of at most " + std::to_string(positions->positions) + " tokens"};
}

core::Status LanguageModel::requireSameRotation(std::int64_t before, std::int64_t after) const
{
    for (const core::RotarySpec* rotary : m_varyingRotaries) {
        if (rotary->anglesFor(before) == rotary->anglesFor(after))
            continue;
        const std::string limit = std::to_string(rotary->alikeUpTo) + " tokens";
        return core::Error {core::ErrorCode::Unsupported,
                            "a sequence of " + std::to_string(before) + " tokens cannot be decoded on to " +
                                std::to_string(after) + ": beyond " + limit + " this model rotates all of it anew",
                            "stay within " + limit + ", or evaluate whole sequences, for instance their perplexity"};
    }
    return core::success();
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

at::Tensor LanguageModel::enter(const std::vector<std::int32_t>& sample, const TensorSource& tensors,
                                std::int64_t firstPosition) const
{
    const core::EntrySpec& entry = m_architecture->entry;
    const at::Tensor embedding = tensors.tensor(entry.embedding);
    const at::Tensor ids = toDevice(at::tensor(at::ArrayRef<std::int32_t>(sample), at::kInt), embedding.device());
    at::Tensor state = at::embedding(embedding, ids);
    if (entry.scale != 1)
        state = state * entry.scale;
    if (entry.projection)
        state = applyLinear(state, *entry.projection, tensors);
    if (entry.positions)
        state = state + tensors.tensor(entry.positions->weight).narrow(0, entry.positions->offset + firstPosition, ids.size(0));
    return state;
}

std::unique_ptr<BlockPass> LanguageModel::begin(const PassPlace& place, at::Tensor state, const TensorSource& tensors,
                                                const Hooks& hooks) const
{
    return std::make_unique<DecoderPass>(m_blocks[static_cast<std::size_t>(place.block)],
                                         PassContext {.rotary = *m_rotaryTables, .hooks = hooks, .place = place},
                                         std::move(state), tensors);
}

std::int64_t LanguageModel::hookWidth(int block, HookPoint point) const
{
    const KvLayerShape shape = kvGeometry(0).layers[static_cast<std::size_t>(block)];
    switch (point) {
    case HookPoint::BlockInput:
    case HookPoint::AttentionInput:
    case HookPoint::MlpInput:
    case HookPoint::BlockOutput:
        return m_architecture->hiddenSize;
    case HookPoint::Query:
        return shape.heads * shape.keyDim;
    case HookPoint::Key:
    case HookPoint::KeyRead:
        return shape.kvHeads * shape.keyDim;
    case HookPoint::Value:
    case HookPoint::ValueRead:
        return shape.kvHeads * shape.valueDim;
    case HookPoint::AttentionOutput:
        return shape.heads * shape.valueDim;
    case HookPoint::MlpHidden:
        for (const Unit& unit : m_view.units) {
            if (unit.block == block && unit.role == "mlp.down")
                return unit.inFeatures;
        }
        return 0;
    case HookPoint::RouterLogits:
    case HookPoint::RouterExperts:
    case HookPoint::RouterWeights:
    case HookPoint::ExpertInput:
    case HookPoint::ExpertHidden:
    case HookPoint::ExpertOutput:
    case HookPoint::AttentionProbabilities:
        break;
    }
    return 0;
}

core::Status LanguageModel::requireKnownIds(const std::vector<std::int32_t>& ids) const
{
    const std::int64_t vocabulary = m_architecture->vocabSize;
    for (const std::int32_t id : ids) {
        if (id < 0 || id >= vocabulary)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "token id " + std::to_string(id) + " is outside the vocabulary of " +
                                    std::to_string(vocabulary),
                                "use the tokenizer of this model"};
    }
    return core::success();
}

KvGeometry LanguageModel::kvGeometry(int sequence) const
{
    KvGeometry geometry;
    geometry.sequence = sequence;
    for (const DecoderBlock& block : m_blocks)
        geometry.layers.push_back(block.attention() ? *block.attention()->kvShape() : KvLayerShape());
    const auto rotation = [this](bool isShift) {
        return [this, isShift](int layer, const at::Tensor& keys, const at::Tensor& positions) {
            const BlockPart* attention = m_blocks[static_cast<std::size_t>(layer)].attention();
            return attention ? attention->rotateKeys(keys, positions, isShift) : keys;
        };
    };
    geometry.rotate = rotation(false);
    geometry.shift = rotation(true);
    return geometry;
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
