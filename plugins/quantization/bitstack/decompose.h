// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "plugins/quantization/bitstack/stack_tensor.h"

namespace paretoscope::bitstack {

struct Options
{
    std::int64_t blocks = 16;
    std::int64_t rank = -1; ///< of the magnitudes of one block; -1: one per 256 of the weight's smaller side

    std::int64_t rankFor(std::int64_t rows, std::int64_t columns) const;
};

/// What the columns of a weight are multiplied with, so that the error on inputs that are large counts more: their root
/// mean square, 1 on average, plus a thousandth so that none is 0; float16 [columns].
/// @param squareMean float32 [columns] of the inputs; ones where all of it is 0
at::Tensor activationScales(const at::Tensor& squareMean);

/// Takes block after block off a weight: the signs of what is left, and the leading singular part of its magnitudes,
/// rounded to float16. What is left is computed with the rounded factors, so that the next block takes up the rounding
/// too. Every block takes off the energy of the singular values it holds.
/// Importance is the negative share of the weight's energy that a block takes off.
/// @param weight float32 [rows, columns]; @param scales float16 [columns] or undefined; @param seed of the random
/// starts Errors: Numerical (a factor beyond float16). Deterministic for equal threads. Source: Wang et al., ICLR 2025;
/// specs quantization 13, step 2.
core::Result<StackParts> decompose(const at::Tensor& weight, const at::Tensor& scales, const Options& options,
                                   std::uint64_t seed);

} // namespace paretoscope::bitstack
