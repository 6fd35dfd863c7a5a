// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/engine/model/decoder_block.h"
#include "core/engine/plugin/workload.h"

#include <memory>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// The graph of a decoder-only language model, assembled from an architecture description. Holds no weights.
/// A sample is a token sequence that starts at position 0; every sequence is computed by itself, so results do not
/// depend on what else is in a batch.
class LanguageModel : public CompressibleModel
{
public:
    explicit LanguageModel(core::Architecture architecture);

    const core::Architecture& architecture() const { return *m_architecture; }

    /// Errors: InvalidArgument (a model with learned positions has none for the last of so many tokens).
    core::Status requireLength(std::size_t tokens) const;
    /// Whether a sequence of `before` tokens can grow to `after` by decoding: what is kept of its tokens holds only
    /// while they are rotated as in the full forward. Errors: Unsupported (the rotation varies with the length; says
    /// from where).
    core::Status requireSameRotation(std::int64_t before, std::int64_t after) const;

    const ModelView& view() const override { return m_view; }
    int steps(int block) const override;
    std::vector<std::string> blockTensors(int block) const override;
    std::vector<std::string> entryTensors() const override;
    /// @return float32 [tokens, hidden]. The sample passes requireLength.
    at::Tensor enter(const std::vector<std::int32_t>& sample, const TensorSource& tensors) const override
    {
        return enter(sample, tensors, 0);
    }
    std::unique_ptr<BlockPass> begin(int block, int sample, at::Tensor state, const TensorSource& tensors,
                                     const Hooks& hooks) const override
    {
        return begin(PassPlace {.block = block, .sample = sample}, std::move(state), tensors, hooks);
    }

    /// A chunk of tokens of which the first stands at `firstPosition` of its sequence.
    at::Tensor enter(const std::vector<std::int32_t>& ids, const TensorSource& tensors,
                     std::int64_t firstPosition) const;
    std::unique_ptr<BlockPass> begin(const PassPlace& place, at::Tensor state, const TensorSource& tensors,
                                     const Hooks& hooks) const;
    /// Features of one row at a hook point of `block`, heads flattened; 0: its values are no rows of tokens.
    std::int64_t hookWidth(int block, HookPoint point) const;
    /// Errors: InvalidArgument (an id outside the vocabulary).
    core::Status requireKnownIds(const std::vector<std::int32_t>& ids) const;
    /// What the store of one sequence is made for; refers to this model.
    KvGeometry kvGeometry(int sequence) const;

    std::vector<std::string> headTensors() const;
    /// @param hidden [n, hidden] leaving the last block. @return float32 [n, vocabulary]
    at::Tensor logits(const at::Tensor& hidden, const TensorSource& tensors) const;

private:
    std::unique_ptr<const core::Architecture> m_architecture; ///< at a fixed place: the blocks refer to it
    std::vector<DecoderBlock> m_blocks;
    ModelView m_view;
    std::unique_ptr<RotaryTables> m_rotaryTables;           ///< shared by all passes
    std::vector<const core::RotarySpec*> m_varyingRotaries; ///< those that depend on the length of the sequence
};

} // namespace paretoscope::engine
