// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <optional>

namespace paretoscope::engine {

/// Upper triangular U (float32 [n, n], zeros below the diagonal) with (P H Pᵀ + δ I)^-1 = Uᵀ U, or nothing when that
/// matrix is not positive definite. Row and column i of P H Pᵀ are row and column order[i] of H.
///
/// Computed in float64 as the inverse of the reversed Cholesky factor, which is the same matrix as the Cholesky factor
/// of the inverse at a quarter of the cost. Everything happens in one buffer of 8 n² bytes, of which half is given
/// back.
/// On a card with its own operators and memory beside.
/// @param hessian float32 [n, n], symmetric; @param diagonal float64 [n], used instead of its diagonal;
/// @param order int64 [n]; all on one device; @param damping δ
std::optional<at::Tensor> inverseFactor(const at::Tensor& hessian, const at::Tensor& diagonal, const at::Tensor& order,
                                        double damping);

struct DampedFactor
{
    at::Tensor factor;  ///< as inverseFactor
    double damping = 0; ///< share of the mean diagonal that made the matrix positive definite
};

/// inverseFactor with δ = damping × the mean of `diagonal`; ten times more until that is positive definite, 1 at most.
/// Nothing when even that does not help.
std::optional<DampedFactor> dampedInverseFactor(const at::Tensor& hessian, const at::Tensor& diagonal,
                                                const at::Tensor& order, double damping);

} // namespace paretoscope::engine
