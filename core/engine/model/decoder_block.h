// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/block_part.h"

#include <memory>
#include <vector>

namespace paretoscope::engine {

/// The graph of one decoder block: its parts between norms, and how they add to the residual stream.
class DecoderBlock
{
public:
    explicit DecoderBlock(const core::BlockSpec& spec); ///< must outlive the block

    const core::BlockSpec& spec() const { return m_spec; }
    int steps() const;
    void describe(ViewBuilder& view) const;
    const BlockPart& part(std::size_t sublayer) const { return *m_parts[sublayer]; }
    /// The part that writes to a key/value store; null: none.
    const BlockPart* attention() const;

private:
    const core::BlockSpec& m_spec;
    std::vector<std::unique_ptr<BlockPart>> m_parts; ///< of every sublayer
};

/// One sequence on its way through one decoder block.
class DecoderPass : public BlockPass
{
public:
    /// @param state [tokens, hidden]; what block and context refer to must outlive the pass
    DecoderPass(const DecoderBlock& block, PassContext context, at::Tensor state, const TensorSource& tensors);

    std::vector<StepInput> inputs() const override;
    void advance(const TensorSource& tensors) override;
    at::Tensor output() const override { return m_residual; }
    std::unique_ptr<BlockPass> clone() const override;

private:
    DecoderPass(const DecoderPass& other);
    void enterSublayer(const TensorSource& tensors);
    void leaveSublayer(const TensorSource& tensors);

    const DecoderBlock& m_block;
    std::shared_ptr<const PassContext> m_context; ///< at a fixed place: the parts refer to it
    std::size_t m_sublayer = 0;
    at::Tensor m_entry;    ///< what all parts read in a parallel block; else undefined
    at::Tensor m_residual; ///< the stream that every sublayer adds to
    std::unique_ptr<PartPass> m_part;
};

} // namespace paretoscope::engine
