// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/layout/low_rank_tensor.h"

#include <memory>
#include <optional>
#include <string_view>

namespace paretoscope::engine {

/// A matrix of low rank as a product.
struct LowRankFactors
{
    at::Tensor b;    ///< float64 [out, r]
    at::Tensor a;    ///< float64 [r, in]; row i of it is as long as column i of b, so that both round equally well
    double lost = 0; ///< tr(D Ω Dᵀ) of D = matrix - B A: the sum of the squared singular values left out
};

/// The matrix B A of this rank that is closest to `matrix` where an error D costs tr(D Ω Dᵀ). With any S Sᵀ = Ω that is
/// the truncated singular value decomposition of matrix · S, turned back; B A = U Uᵀ · matrix with its left vectors U,
/// so S is never inverted and Ω may be singular.
///
/// The singular vectors are those of the smaller of the two Gram matrices, in float64.
/// @param matrix float32 or float64 [out, in]; @param omega symmetric, not negative definite: undefined (identity),
/// [in] (a diagonal) or [in, in]. A floor of 1e-8 of its largest diagonal entry is added to the diagonal, so that what
/// it does not see is kept where that costs nothing; one of zeros alone counts as the identity.
/// @param rank 1..min(out, in). Deterministic for equal threads.
/// Source: specs pruning_lowrank 0, 7 and 8 (plain SVD, ASVD, SVD-LLM and EoRA differ in Ω alone).
LowRankFactors truncate(const at::Tensor& matrix, const at::Tensor& omega, std::int64_t rank);

/// B anew, A as it is: the least-squares solution of Y ≈ Z Bᵀ for Z = X Aᵀ, pulled towards the old one by 1e-6 of the
/// mean square of Z, so that directions which X does not have keep what they had.
/// @param targets Y, float32 [rows, out]; @param inputs X, float32 [rows, in]. In float64, deterministic for equal
/// threads. Source: specs pruning_lowrank 8 (SVD-LLM, the update of U).
LowRankFactors refitted(LowRankFactors factors, const at::Tensor& targets, const at::Tensor& inputs);

/// How factors are stored.
struct FactorFormat
{
    at::ScalarType type = at::kHalf;
    std::optional<AffineOptions> grid; ///< rounded to symmetric groups instead

    /// From the parameters with these names: 16 bits mean `type`.
    static FactorFormat fromParameters(const core::Json& parameters, std::string_view bits, std::string_view groupSize,
                                       at::ScalarType type);
};

/// Errors: Numerical (values beyond the range of the format).
core::Result<std::shared_ptr<const LowRankTensor>> store(const LowRankFactors& factors, const FactorFormat& format);

} // namespace paretoscope::engine
