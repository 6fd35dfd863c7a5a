// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/transformer.h"

#include <optional>

namespace paretoscope::engine {

at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& spec, const at::Tensor& weight, const at::Tensor& bias)
{
    if (x.scalar_type() == at::kBFloat16)
        return applyNorm(x.to(at::kFloat), spec, weight, bias).to(at::kBFloat16);
    std::optional<at::Tensor> factor;
    if (weight.defined())
        factor = spec.weightOffset == 0 ? weight : weight + spec.weightOffset;
    if (spec.kind == core::NormKind::Layer)
        return at::layer_norm(x, {x.size(-1)}, factor, bias, spec.epsilon);
    return at::rms_norm(x, {x.size(-1)}, factor, spec.epsilon);
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

at::Tensor softCapped(const at::Tensor& x, double cap)
{
    return cap == 0 ? x : at::tanh(x / cap) * cap;
}

at::Tensor negativeLogLikelihood(const at::Tensor& logits, const at::Tensor& targets)
{
    const at::Tensor chosen = logits.gather(1, targets.unsqueeze(1)).squeeze(1);
    return at::logsumexp(logits, 1).to(at::kDouble) - chosen.to(at::kDouble);
}

} // namespace paretoscope::engine
