// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/kernels/card_kernels.h"
#include "core/engine/quantization/affine.h"
#include "core/engine/quantization/factored_hessian.h"

namespace paretoscope::gptq {

enum class ActivationOrder
{
    None,    ///< columns as they come; groups are fitted when their first column is reached
    Static,  ///< by falling diagonal of the Hessian; all groups fitted beforehand, in the original order
    Dynamic, ///< by falling diagonal; groups of columns that follow each other in the new order
};

struct Options
{
    engine::AffineOptions grid;
    ActivationOrder order = ActivationOrder::Static;
    double damping = 0.01;        ///< times the mean diagonal, added to the diagonal
    std::int64_t blockSize = 128; ///< columns between two updates of the rest

    engine::FactorOptions factor() const { return {.sorted = order != ActivationOrder::None, .damping = damping}; }
};

struct Quantized
{
    at::Tensor codes; ///< uint8 [out, in], in the order of the weight's columns
    engine::AffineGrids grids;
    at::Tensor columnGroups; ///< int32 [in] for ActivationOrder::Dynamic, else undefined
    double loss = 0; ///< sum of squared scaled errors = tr((W - Q) H_damped (W - Q)^T), dead columns of W taken as 0
    double damping =
        0; ///< what made the Hessian positive definite; 0 when nothing did and the weight was rounded to nearest
};

/// Quantises the columns of `weight` one after the other and moves each one's error into the columns to come.
/// Group grids are fitted to the up-to-date weights, also inside a block (the published code fits them to stale ones).
/// @param weight float32 [out, in]; @param hessian of X^T X / N, made with options.factor()
/// @param mask bool [out, in] of a pruned weight, undefined when dense: what it drops stays zero, and the error of that
/// moves on too
/// Errors: Numerical (a scale that is not finite). Deterministic for equal threads.
/// Source: Frantar et al., ICLR 2023, algorithm 1; specs quantization 6. For the factor of the inverse Hessian see
/// inverse_factor.h. Memory: twice the weight beside what is given.
core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask = {});

/// With these kernels for the columns; null: they are computed on the host, wherever weight and Hessian lie.
core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask, const engine::CardKernels* kernels);

} // namespace paretoscope::gptq
