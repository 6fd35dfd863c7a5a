// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/low_rank/truncation.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <memory>
#include <optional>

namespace paretoscope::slim {

enum class Quantizer
{
    Slim,       ///< one scale per tensor, by search
    AbsMax,     ///< one scale per tensor, from the largest weight
    GroupAbsMax ///< one scale per row and group
};

struct Quantization
{
    engine::AffineOptions
        grid; ///< symmetric; of Slim and AbsMax the group is the whole row, and all rows have one scale
    Quantizer quantizer = Quantizer::Slim;
    bool reproject = true; ///< round again what the adapter leaves of the original weight, on the same scales
};

struct Options
{
    std::int64_t rank = 0; ///< 0: no adapter
    engine::FactorFormat adapter;
    std::optional<Quantization> quantization; ///< nothing: the base is taken as it is
};

struct Compensated
{
    std::shared_ptr<const engine::CompressedTensor> base;
    std::shared_ptr<const engine::LowRankTensor> adapter; ///< null without a rank
};

/// The cap α of |w| from 0 to max |w| at which rounding to 2^bits symmetric levels of step α / (2^(bits-1) - 1) loses
/// least, by a histogram of max(512, min(numel / 1000, 20000)) bins: about ten candidates first, then every bin between
/// the neighbours of the best. The full range is among them. @return 0 for a weight of zeros
/// Source: Mozaffari et al. 2024, SLiM-Quant; specs pruning_lowrank 6.
double capOf(const at::Tensor& weight, int bits);

/// Quantises and compensates one weight.
/// @param original, current float32 [out, in]: uncompressed, and as earlier stages left it
/// @param form  of the current weight; its mask stays in force
/// @param omega  as engine::truncate: what an error in a column costs
/// Errors: Numerical (values beyond the range of a format). Deterministic for equal threads.
/// Source: Mozaffari et al. 2024; specs pruning_lowrank 6. The adapter is rounded before weights are projected again,
/// so that these make up for that, too; no entry is then further off than before.
core::Result<Compensated> compensate(const at::Tensor& original, const at::Tensor& current,
                                     const std::shared_ptr<const engine::CompressedTensor>& form,
                                     const at::Tensor& omega, const Options& options);

/// The weighting of the columns: their mean squares, with the smallest positive one added to all when any is zero.
/// @param columnSquareMean float32 [in]
at::Tensor saliency(const at::Tensor& columnSquareMean);

} // namespace paretoscope::slim
