// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/int8/activation_quantizer.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::int8 {

namespace {

constexpr double kSmallestMagnitude = 1e-5;

/// @param magnitude broadcastable to `values`
at::Tensor symmetric(const at::Tensor& values, const at::Tensor& magnitude, const ActivationRule& rule)
{
    const double lowest = rule.divisor > 127 ? -128 : -127;
    const at::Tensor scale = magnitude.clamp_min(kSmallestMagnitude) / rule.divisor;
    return (values / scale).round_().clamp_(lowest, 127).mul_(scale);
}

/// One range per last dimension, which always holds 0.
at::Tensor asymmetric(const at::Tensor& values)
{
    const at::Tensor low = values.amin(-1, true).clamp_max(0);
    const at::Tensor scale = (values.amax(-1, true).clamp_min(0) - low).clamp_min_(kSmallestMagnitude).div_(255);
    const at::Tensor zero = (-low / scale).round_();
    return (values / scale).round_().add_(zero).clamp_(0, 255).sub_(zero).mul_(scale);
}

at::Tensor quantized(const at::Tensor& values, const ActivationRule& rule, double staticMagnitude)
{
    const auto perLast = [&](const at::Tensor& rows) {
        return rule.symmetric ? symmetric(rows, rows.abs().amax(-1, true), rule) : asymmetric(rows);
    };
    switch (rule.granularity) {
    case Granularity::Token:
        return perLast(values);
    case Granularity::Group: {
        const std::int64_t features = values.size(1);
        const std::int64_t rest = (rule.groupSize - features % rule.groupSize) % rule.groupSize;
        const at::Tensor groups = at::constant_pad_nd(values, {0, rest}).view({values.size(0), -1, rule.groupSize});
        return perLast(groups).flatten(1).narrow(1, 0, features);
    }
    case Granularity::Tensor:
        return symmetric(values, at::full({1}, staticMagnitude, values.options()), rule);
    case Granularity::None:
        break;
    }
    return values;
}

} // namespace

at::Tensor quantizeActivations(const at::Tensor& x, const ActivationRule& rule, double staticMagnitude)
{
    if (rule.granularity == Granularity::None || x.size(0) == 0)
        return x;
    const at::Tensor values = x.to(at::kFloat);
    if (std::isinf(rule.outlierThreshold))
        return quantized(values, rule, staticMagnitude).to(x.scalar_type());
    const at::Tensor isOutlier = values.abs().amax(0).ge(rule.outlierThreshold);
    const at::Tensor rest = quantized(values.masked_fill(isOutlier, 0), rule, staticMagnitude);
    return at::where(isOutlier, values, rest).to(x.scalar_type());
}

} // namespace paretoscope::int8
