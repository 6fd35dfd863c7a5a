// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/decoder_block.h"

#include "core/base/assert.h"

#include <algorithm>

namespace paretoscope::engine {

DecoderBlock::DecoderBlock(const core::BlockSpec& spec)
    : m_spec(spec)
{
    for (const core::SublayerSpec& sublayer : spec.sublayers)
        m_parts.push_back(std::visit([](const auto& part) { return makeBlockPart(part); }, sublayer.part));
}

int DecoderBlock::steps() const
{
    int steps = 0;
    for (const auto& part : m_parts)
        steps += part->steps();
    return steps;
}

void DecoderBlock::describe(ViewBuilder& view) const
{
    for (std::size_t i = 0; i < m_parts.size(); ++i)
        m_parts[i]->describe(view, m_spec.sublayers[i].norm);
}

const BlockPart* DecoderBlock::attention() const
{
    const auto found =
        std::find_if(m_parts.begin(), m_parts.end(), [](const auto& part) { return part->kvShape().has_value(); });
    return found == m_parts.end() ? nullptr : found->get();
}

DecoderPass::DecoderPass(const DecoderBlock& block, PassContext context, at::Tensor state, const TensorSource& tensors)
    : m_block(block)
    , m_context(std::make_shared<const PassContext>(context))
    , m_residual(m_context->visit(HookPoint::BlockInput, std::move(state)))
{
    if (m_block.spec().parallel)
        m_entry = m_residual;
    enterSublayer(tensors);
}

DecoderPass::DecoderPass(const DecoderPass& other)
    : m_block(other.m_block)
    , m_context(other.m_context)
    , m_sublayer(other.m_sublayer)
    , m_entry(other.m_entry)
    , m_residual(other.m_residual)
    , m_part(other.m_part ? other.m_part->clone() : nullptr)
{}

std::unique_ptr<BlockPass> DecoderPass::clone() const
{
    return std::unique_ptr<BlockPass>(new DecoderPass(*this));
}

std::vector<StepInput> DecoderPass::inputs() const
{
    return m_part ? m_part->inputs() : std::vector<StepInput>();
}

void DecoderPass::advance(const TensorSource& tensors)
{
    PSC_ASSERT(m_part, "a finished pass was advanced");
    m_part->advance(tensors);
    if (!m_part->inputs().empty())
        return;
    leaveSublayer(tensors);
    ++m_sublayer;
    enterSublayer(tensors);
}

void DecoderPass::enterSublayer(const TensorSource& tensors)
{
    if (m_sublayer == m_block.spec().sublayers.size()) {
        m_part.reset();
        m_entry = at::Tensor();
        m_residual = m_context->visit(HookPoint::BlockOutput, m_residual);
        return;
    }
    const core::SublayerSpec& spec = m_block.spec().sublayers[m_sublayer];
    const at::Tensor& stream = m_entry.defined() ? m_entry : m_residual;
    m_part = m_block.part(m_sublayer).begin(spec.norm ? applyNorm(stream, *spec.norm, tensors) : stream, *m_context);
}

void DecoderPass::leaveSublayer(const TensorSource& tensors)
{
    const core::SublayerSpec& spec = m_block.spec().sublayers[m_sublayer];
    at::Tensor added = m_part->output();
    if (spec.postNorm)
        added = applyNorm(added, *spec.postNorm, tensors);
    if (spec.multiplier != 1)
        added = added * spec.multiplier;
    m_residual = m_residual + added;
    if (spec.residualNorm)
        m_residual = applyNorm(m_residual, *spec.residualNorm, tensors);
}

} // namespace paretoscope::engine
