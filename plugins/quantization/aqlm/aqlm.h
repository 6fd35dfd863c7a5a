// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/quantization/additive_codes.h"

#include <vector>

namespace paretoscope::aqlm {

struct Options
{
    std::int64_t codebooks = 2;
    int bits = 8;               ///< of a code; a codebook has 2^bits vectors
    std::int64_t groupSize = 8; ///< neighbouring weights that one code of every codebook stands for
    std::int64_t beam = 1;
    int rounds = 3;                      ///< of training the values and searching the codes, at most
    int steps = 100;                     ///< of training per round
    double learningRate = 1e-4;          ///< for rows of unit norm
    double tolerance = 0.01;             ///< rounds end when one lowers the loss by less than this share
    std::int64_t pointsPerCentroid = 64; ///< of the clustering that codebooks start from
};

struct Fitted
{
    engine::AdditiveCodes codes; ///< codebooks and scales are float16 values
    /// tr((W - Ŵ) H (W - Ŵ)ᵀ) / tr(W H Wᵀ): of the start, after every training, search and rounding.
    std::vector<double> losses;
};

/// The start: rows are brought to unit norm, and codebook after codebook clusters what the ones before left.
/// @param weight float32 [rows, in]; in % groupSize == 0
engine::AdditiveCodes clustered(const at::Tensor& weight, const Options& options, std::uint64_t seed);

/// Trains codebooks and scales with Adam (β = 0, 0.95, AMSGrad) on tr((W - Ŵ) H (W - Ŵ)ᵀ), codes fixed. Keeps the best
/// values it passes, so that the loss does not rise.
engine::AdditiveCodes trained(const engine::AdditiveCodes& start, const at::Tensor& weight, const at::Tensor& hessian,
                              const Options& options);

/// Additive quantisation of one layer: clustered(), then trained() and a beam search over the codes in turn; values are
/// trained once more after the last search, which the published code leaves out.
/// @param weight float32 [rows, in]; @param hessian float32 [in, in] = X^T X / N; one of zeros counts as the identity
/// Errors: Numerical (a value beyond float16). Deterministic for equal threads.
/// Source: Egiazarian et al., ICML 2024; specs quantization 9.
core::Result<Fitted> fit(const at::Tensor& weight, const at::Tensor& hessian, const Options& options,
                         std::uint64_t seed);

} // namespace paretoscope::aqlm
