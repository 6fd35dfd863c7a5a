// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::engine {

/// A matrix whose every group of neighbouring weights of a row is a sum of vectors, one of each codebook, times the
/// scale of the row.
struct AdditiveCodes
{
    at::Tensor codes;     ///< int64 [rows, groups, M]
    at::Tensor codebooks; ///< float32 [M, 2^B, g]
    at::Tensor scales;    ///< float32 [rows]

    std::int64_t count() const { return codebooks.size(0); } ///< M
    std::int64_t groupSize() const { return codebooks.size(2); }
    /// The sums of vectors. float32 [rows, groups, g]
    at::Tensor sums() const;
    /// float32 [rows, groups * g]
    at::Tensor dequantize() const;
};

struct BeamSearch
{
    std::int64_t beam =
        1; ///< combinations that are kept within a group from codebook to codebook; 1 is exact for M = 1
    std::uint64_t seed = 0; ///< of the order of groups and codebooks
};

/// Chooses the codes anew, group after group in random order and within a group codebook after codebook, so that
/// tr((W - Ŵ) H (W - Ŵ)ᵀ) falls: never to rise in exact arithmetic, since the code that is there stays unless another
/// one is better. Rows do not depend on each other.
/// @param weight float32 [rows, in]; @param hessian float32 [in, in]. Deterministic for equal threads.
/// Source: Egiazarian et al., ICML 2024 (AQLM), section 3; specs quantization 9.
at::Tensor searchCodes(const AdditiveCodes& start, const at::Tensor& weight, const at::Tensor& hessian,
                       const BeamSearch& search);

/// tr((W - Ŵ) H (W - Ŵ)ᵀ), summed in float64. @param error W - Ŵ
double weightedSquare(const at::Tensor& error, const at::Tensor& hessian);

} // namespace paretoscope::engine
