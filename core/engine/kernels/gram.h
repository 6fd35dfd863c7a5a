// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

namespace paretoscope::engine {

/// Adds X^T X to `sum`, only blocks on and above the diagonal (a rank-k update costs half of a full product).
/// @param x float32 [n, k]; @param sum float64 [k, k] on the same device. The product is made in float32, the sum in
/// float64.
void addGram(const at::Tensor& x, at::Tensor& sum);

/// tr(D H Dᵀ), the squared norm of the rows of D as H measures it: products in float32, their sum in float64, half of
/// the work of D H. @param d float32 [n, k]; @param h float32 [k, k], symmetric, on the same device
double weightedSquareNorm(const at::Tensor& d, const at::Tensor& h);

/// The full symmetric matrix of which addGram filled the upper blocks, divided by `divisor`. @return float32 [k, k]
at::Tensor symmetricFromUpper(const at::Tensor& upper, double divisor);

} // namespace paretoscope::engine
