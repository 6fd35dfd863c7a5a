// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <vector>

namespace paretoscope::smoothquant {

enum class ActivationStatistic
{
    AbsoluteMaximum, ///< max |x|, as published
    Range            ///< max x - min x, against twice the weights, as LLM Compressor
};

struct Options
{
    double alpha = 0.5; ///< 0: all difficulty stays with the activations, 1: all of it goes into the weights
    double minScale = 1e-5;
    ActivationStatistic statistic = ActivationStatistic::AbsoluteMaximum;
};

/// Factors s_j = a_j^alpha / w_j^(1 - alpha), at least minScale: what comes before is divided by them, the columns of
/// the weights are multiplied. w_j is the largest |weight| in column j over all weights. A channel that is always 0 has
/// the factor 1, where the formula would blow up what comes before.
/// Source: Xiao et al., ICML 2023, equation 4; specs quantization 5.
/// @param extremes float32 [2, in]: least and largest value per channel; @param weights float32 [out, in] each
at::Tensor smoothingFactors(const at::Tensor& extremes, const std::vector<at::Tensor>& weights, const Options& options);

} // namespace paretoscope::smoothquant
