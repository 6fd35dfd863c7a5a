// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/kernels/card_kernels.h"
#include "core/engine/pruning/sparsity_pattern.h"
#include "core/engine/quantization/affine.h"
#include "core/engine/quantization/factored_hessian.h"

#include <cstdint>
#include <optional>

namespace paretoscope::sparsegpt {

struct Options
{
    engine::SparsityPattern pattern;
    std::optional<engine::AffineOptions> grid; ///< what is kept is rounded to it in the same pass; nothing: it is not
    double damping = 0.01;                     ///< times the mean diagonal, added to the diagonal
    std::int64_t blockSize = 128;              ///< columns whose mask is chosen together; a multiple of M of N:M

    engine::FactorOptions factor() const { return {.sorted = false, .damping = damping}; }
};

struct Pruned
{
    at::Tensor weight; ///< float32 [out, in]: as the errors moved it, zero where the mask drops it; with a grid before
                       ///< rounding
    at::Tensor mask;   ///< bool [out, in], true: kept
    at::Tensor codes;  ///< uint8 [out, in], with a grid
    engine::AffineGrids grids;
    double loss = 0;    ///< tr((W - Ŵ) H_damped (W - Ŵ)ᵀ), dead columns of W taken as 0
    double damping = 0; ///< what made the Hessian positive definite; 0: all inputs are zero, pruned by magnitude
};

/// Drops weights block of columns by block of columns and lets the columns still to come make up for the error.
/// Unstructured: those of a block with the smallest w² / U_jj² when the block is reached, all rows together or row by
/// row (scope); N:M: of every M when their first column is reached, with the weights as updated so far. With a grid a
/// second pass rounds what the first one kept. Its groups are fitted to what the first pass made of the weight: the
/// published code fits them to the weight as given, whose range is too narrow for what makes up for dropped weights.
/// @param weight float32 [out, in]; @param hessian of X^T X / N, made with options.factor()
/// Errors: Numerical (the Hessian stays indefinite at damping 1; a scale that is not finite). Deterministic for equal
/// threads. Memory: twice the weight beside what is given.
/// Source: Frantar & Alistarh, ICML 2023; specs pruning_lowrank 5.
core::Result<Pruned> prune(const at::Tensor& weight, const engine::FactoredHessian& hessian, const Options& options);

/// With these kernels for the columns; null: they are computed on the host, wherever weight and Hessian lie.
core::Result<Pruned> prune(const at::Tensor& weight, const engine::FactoredHessian& hessian, const Options& options,
                           const engine::CardKernels* kernels);

} // namespace paretoscope::sparsegpt
