// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/smoothquant/smoothquant.h"

namespace paretoscope::smoothquant {

at::Tensor smoothingFactors(const at::Tensor& extremes, const std::vector<at::Tensor>& weights, const Options& options)
{
    const bool isRange = options.statistic == ActivationStatistic::Range;
    const at::Tensor magnitude = extremes.abs().amax(0);
    const at::Tensor activations = isRange ? extremes[1] - extremes[0] : magnitude;
    at::Tensor largest = at::zeros_like(activations);
    for (const at::Tensor& weight : weights)
        largest = at::max(largest, weight.abs().amax(0));
    largest = (isRange ? largest * 2 : largest).clamp_min(options.minScale);
    const at::Tensor factors =
        (activations.pow(options.alpha) / largest.pow(1 - options.alpha)).clamp_min(options.minScale);
    return at::where(magnitude == 0, at::ones_like(factors), factors);
}

} // namespace paretoscope::smoothquant
