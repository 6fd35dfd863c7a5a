// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::bitstack {

/// The part of a matrix that its largest singular values make up, U √Σ times √Σ Vᵀ.
struct TopSingular
{
    at::Tensor left;  ///< float32 [rows, rank]
    at::Tensor right; ///< float32 [rank, columns]
};

/// By subspace iteration from a random start, with eight directions more than asked for, until a further round would
/// gain less than a ten-thousandth of what is left out. The products with the matrix are float32, everything of the
/// size of the subspace float64.
/// @param matrix float32 [rows, columns]; @param rank at most the smaller of both; @param seed of the start
/// Deterministic for equal threads. Source: Halko, Martinsson, Tropp, SIAM Review 53 (2011), algorithm 4.4.
TopSingular topSingular(const at::Tensor& matrix, std::int64_t rank, std::uint64_t seed);

} // namespace paretoscope::bitstack
