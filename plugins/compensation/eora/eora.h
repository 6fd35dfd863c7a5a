// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/low_rank/truncation.h"

#include <memory>

namespace paretoscope::eora {

struct Adapter
{
    std::shared_ptr<const engine::LowRankTensor> tensor;
    double errorLeft = 1; ///< tr(D Ω Dᵀ) with the adapter as stored, over that without; 0 when there was no error
};

/// The adapter B A of this rank for the error Δ = W - Ŵ that costs least in tr((Δ - B A) Ω (Δ - B A)ᵀ). EoRA takes the
/// Hessian of the layer's input as Ω, ACT-S the squares of its mean absolute values, plain SVD the identity.
/// @param error float32 [out, in]; @param omega, rank as engine::truncate
/// Errors: Numerical (values beyond the range of the format). Deterministic for equal threads.
/// Source: Liu et al. 2024; specs pruning_lowrank 7.
core::Result<Adapter> adapterFor(const at::Tensor& error, const at::Tensor& omega, std::int64_t rank,
                                 const engine::FactorFormat& format);

} // namespace paretoscope::eora
