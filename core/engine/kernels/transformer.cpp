// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/transformer.h"

#include <cmath>

namespace paretoscope::engine {

at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& spec, const at::Tensor& weight, const at::Tensor& bias)
{
    if (spec.kind == core::NormKind::Layer)
        return at::layer_norm(x, {x.size(-1)}, weight, bias, spec.epsilon);
    return at::rms_norm(x, {x.size(-1)}, weight, spec.epsilon);
}

RotaryTable rotaryTable(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens)
{
    const at::Tensor frequencies = at::tensor(spec.inverseFrequencies, at::kDouble);
    const at::Tensor angles = at::outer(at::arange(first, first + tokens, at::kDouble), frequencies);
    return {(angles.cos() * spec.amplitude).to(at::kFloat), (angles.sin() * spec.amplitude).to(at::kFloat)};
}

RotaryTable RotaryTables::upTo(const core::RotarySpec& spec, std::int64_t tokens) const
{
    const std::lock_guard lock(m_mutex);
    RotaryTable& table = m_tables[spec.inverseFrequencies];
    if (!table.cosine.defined() || table.cosine.size(0) < tokens)
        table = rotaryTable(spec, 0, tokens);
    return {table.cosine.narrow(0, 0, tokens), table.sine.narrow(0, 0, tokens)};
}

at::Tensor applyRotary(const at::Tensor& x, const RotaryTable& table, core::RotaryStyle style)
{
    const at::Tensor cosine = table.cosine.unsqueeze(1);
    const at::Tensor sine = table.sine.unsqueeze(1);
    if (style == core::RotaryStyle::Interleaved) {
        const at::Tensor pairs = x.unflatten(-1, {-1, 2});
        const at::Tensor a = pairs.select(-1, 0);
        const at::Tensor b = pairs.select(-1, 1);
        return at::stack({a * cosine - b * sine, b * cosine + a * sine}, -1).flatten(-2);
    }
    const std::int64_t half = x.size(-1) / 2;
    const at::Tensor a = x.narrow(-1, 0, half);
    const at::Tensor b = x.narrow(-1, half, half);
    return at::cat({a * cosine - b * sine, b * cosine + a * sine}, -1);
}

at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, double scale)
{
    const std::int64_t tokens = query.size(0);
    const std::int64_t repeats = query.size(1) / key.size(1);
    const auto heads = [&](const at::Tensor& x, std::int64_t times) {
        return (times == 1 ? x : x.repeat_interleave(times, 1)).transpose(0, 1).unsqueeze(0);
    };
    const at::Tensor mixed = at::scaled_dot_product_attention(heads(query, 1), heads(key, repeats),
                                                              heads(value, repeats), {}, 0.0, true, scale);
    return mixed.squeeze(0).transpose(0, 1).reshape({tokens, -1});
}

at::Tensor activate(const at::Tensor& x, core::Activation activation)
{
    switch (activation) {
    case core::Activation::Silu:
        return at::silu(x);
    case core::Activation::GeluErf:
        return at::gelu(x);
    case core::Activation::GeluTanh:
        return at::gelu(x, "tanh");
    case core::Activation::Relu:
        break;
    }
    return at::relu(x);
}

at::Tensor negativeLogLikelihood(const at::Tensor& logits, const at::Tensor& targets)
{
    const at::Tensor chosen = logits.gather(1, targets.unsqueeze(1)).squeeze(1);
    return at::logsumexp(logits, 1).to(at::kDouble) - chosen.to(at::kDouble);
}

} // namespace paretoscope::engine
