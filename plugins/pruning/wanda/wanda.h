// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/pruning/sparsity_pattern.h"

namespace paretoscope::wanda {

/// |W_ij| · sqrt(mean of x_j²): how much of the output goes with a weight.
/// @param weight float32 [out, in]; @param columnSquareMean float32 [in]. @return float32 [out, in]
/// Source: Sun et al., ICLR 2024; specs pruning_lowrank 4.
at::Tensor scores(const at::Tensor& weight, const at::Tensor& columnSquareMean);

struct Variant
{
    at::Tensor mask;  ///< bool [out, in], true: kept
    double alpha = 0; ///< the share of a row's scores that is given up
};

/// The variant whose rows give up different counts: of every row the longest run of ascending scores whose sum is at
/// most alpha times the row's, with alpha bisected until the share of dropped entries is `sparsity` within `tolerance`
/// or the interval is below 0.001. @param scores float32 [out, in]
Variant variantMask(const at::Tensor& scores, double sparsity, double tolerance);

} // namespace paretoscope::wanda
