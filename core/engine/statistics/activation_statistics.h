// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/statistic.h"

#include <span>

namespace paretoscope::engine {

/// The accumulators that every host offers:
/// - "hessian": X^T X / N, float32 [features, features] (factor 1, N = tokens); products in float32 per sample, sums in
///   float64
/// - "column_square_mean": mean over N of x_j^2, the diagonal of the hessian, [features]
/// - "column_abs_mean": mean over N of |x_j|, [features]
std::span<const StatisticFactory> builtInStatistics();

} // namespace paretoscope::engine
