// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/decoder_pass.h"

#include "core/base/assert.h"

namespace paretoscope::engine {

namespace {

at::Tensor linear(const at::Tensor& x, const core::LinearSpec& spec, const TensorSource& tensors)
{
    return at::linear(x, tensors.tensor(spec.weight()), spec.bias ? tensors.tensor(spec.biasName()) : at::Tensor());
}

} // namespace

DecoderInputs::DecoderInputs(const core::BlockSpec& spec)
    : attention(spec.attention.query.module + ".input")
    , attentionOutput(spec.attention.output.module + ".input")
    , mlp(spec.mlp.gate.module + ".input")
    , mlpHidden(spec.mlp.down.module + ".input")
{}

DecoderPass::DecoderPass(const core::BlockSpec& spec, const RotaryTables& tables, int block, int sample,
                         at::Tensor state, const TensorSource& tensors, const Hooks& hooks)
    : m_spec(spec)
    , m_tables(tables)
    , m_names(spec)
    , m_hooks(hooks)
    , m_block(block)
    , m_sample(sample)
    , m_residual(visit(HookPoint::BlockInput, std::move(state)))
    , m_input(visit(HookPoint::AttentionInput, norm(spec.attention.norm, tensors)))
{}

std::vector<StepInput> DecoderPass::inputs() const
{
    switch (m_step) {
    case 0:
        return {{m_names.attention, m_input}};
    case 1:
        return {{m_names.attentionOutput, m_input}};
    case 2:
        return {{m_names.mlp, m_input}};
    case 3:
        return {{m_names.mlpHidden, m_input}};
    default:
        return {};
    }
}

void DecoderPass::advance(const TensorSource& tensors)
{
    PSC_ASSERT(m_step < kSteps, "a finished pass was advanced");
    switch (m_step++) {
    case 0:
        attend(tensors);
        break;
    case 1:
        addAttention(tensors);
        break;
    case 2:
        widen(tensors);
        break;
    default:
        addMlp(tensors);
        break;
    }
}

void DecoderPass::attend(const TensorSource& tensors)
{
    const core::AttentionSpec& spec = m_spec.attention;
    const std::int64_t tokens = m_input.size(0);
    const RotaryTable table = m_tables.upTo(spec.rotary, tokens);
    const at::Tensor query = linear(m_input, spec.query, tensors).view({tokens, spec.heads, spec.headDim});
    const at::Tensor key = linear(m_input, spec.key, tensors).view({tokens, spec.kvHeads, spec.headDim});
    const at::Tensor value = linear(m_input, spec.value, tensors).view({tokens, spec.kvHeads, spec.headDim});
    m_input = visit(HookPoint::AttentionOutput,
                    causalAttention(visit(HookPoint::Query, applyRotary(query, table, spec.rotary.style)),
                                    visit(HookPoint::Key, applyRotary(key, table, spec.rotary.style)),
                                    visit(HookPoint::Value, value), spec.scale));
}

void DecoderPass::addAttention(const TensorSource& tensors)
{
    m_residual = m_residual + linear(m_input, m_spec.attention.output, tensors);
    m_input = visit(HookPoint::MlpInput, norm(m_spec.mlp.norm, tensors));
}

void DecoderPass::widen(const TensorSource& tensors)
{
    const at::Tensor gate = linear(m_input, m_spec.mlp.gate, tensors);
    const at::Tensor up = linear(m_input, m_spec.mlp.up, tensors);
    m_input = visit(HookPoint::MlpHidden, activate(gate, m_spec.mlp.activation) * up);
}

void DecoderPass::addMlp(const TensorSource& tensors)
{
    m_residual = visit(HookPoint::BlockOutput, m_residual + linear(m_input, m_spec.mlp.down, tensors));
    m_input = at::Tensor();
}

at::Tensor DecoderPass::norm(const core::NormSpec& spec, const TensorSource& tensors) const
{
    return applyNorm(m_residual, spec, tensors.tensor(spec.weight),
                     spec.bias.empty() ? at::Tensor() : tensors.tensor(spec.bias));
}

at::Tensor DecoderPass::visit(HookPoint point, at::Tensor value) const
{
    for (const Hook& hook : m_hooks) {
        if (hook.point == point)
            value = hook.visit(m_block, m_sample, value);
    }
    return value;
}

} // namespace paretoscope::engine
