// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/quantization/factored_hessian.h"
#include "plugins/quantization/spqr/spqr_tensor.h"

#include <limits>

namespace paretoscope::spqr {

enum class ActivationOrder
{
    None,    ///< columns as they come; groups are fitted when their first column is reached
    Static,  ///< by falling diagonal of the Hessian; all groups fitted beforehand, in the original order
    Dynamic, ///< by falling diagonal; groups of columns that follow each other in the new order
};

struct Options
{
    Format format;
    ActivationOrder order = ActivationOrder::Dynamic;
    double damping = 1; ///< times the mean diagonal, added to the diagonal
    /// A weight is stored apart when its squared scaled error exceeds this many times the mean over the columns of
    /// variance / U_jj², U the inverse factor; infinity: none is.
    double outlierThreshold = 0.2;
    /// Grids are fitted to all weights of a group, not without those that had better be outliers.
    bool simplifiedOutliers = false;

    engine::FactorOptions factor() const { return {.sorted = order != ActivationOrder::None, .damping = damping}; }
};

struct Quantized
{
    Parts parts;
    double loss = 0;    ///< sum of squared scaled errors = tr((W - Q) H_damped (W - Q)^T), dead columns of W taken as 0
    double damping = 0; ///< what made the Hessian positive definite; 0 when nothing did and no error was moved
    double outlierShare = 0; ///< of all weights
};

/// Quantises the columns of `weight` one after the other, as GPTQ does, to small groups with a real-valued zero whose
/// scales and zeros are quantised in turn; weights whose error weighs most are stored apart, to float16.
/// Two departures from the published code: groups without a range (all weights equal) take the mean scale of the rows
/// that share their second-level grid instead of the range [-1, 1], which would spoil that grid for the others; and an
/// outlier's remaining rounding error, though tiny, is moved on as well.
/// @param weight float32 [out, in]; @param hessian of X^T X / N, made with options.factor(); @param mask bool [out,
/// in]: the others become 0; undefined: all are kept. Computes on the host, wherever they lie. Errors: Numerical (a
/// scale or outlier beyond float16). Deterministic for equal threads. Source: Dettmers et al. 2023 (arXiv 2306.03078);
/// specs quantization 8.
core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask = {});

} // namespace paretoscope::spqr
