// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/truncation.h"

namespace paretoscope::engine {

namespace {

constexpr double kFloor = 1e-8; ///< of the largest diagonal entry; specs pruning_lowrank 0
constexpr int kNotQuantized = 16;

/// In float64, with the floor; undefined for the identity.
at::Tensor floored(const at::Tensor& omega)
{
    if (!omega.defined())
        return omega;
    at::Tensor wide = omega.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
    at::Tensor diagonal = wide.dim() == 1 ? wide : wide.diagonal();
    const double largest = diagonal.max().item<double>();
    if (largest <= 0)
        return {};
    diagonal.add_(kFloor * largest);
    return wide;
}

/// matrix · Ω
at::Tensor weighted(const at::Tensor& matrix, const at::Tensor& omega)
{
    return !omega.defined() ? matrix : omega.dim() == 1 ? matrix * omega : at::mm(matrix, omega);
}

/// matrix · S with S Sᵀ = Ω
at::Tensor whitened(const at::Tensor& matrix, const at::Tensor& omega)
{
    if (!omega.defined())
        return matrix;
    if (omega.dim() == 1)
        return matrix * omega.sqrt();
    const auto [values, vectors] = at::linalg_eigh(omega);
    // Rounding may have left the smallest below the floor, or below zero.
    return at::mm(matrix, vectors).mul_(values.clamp_min(kFloor * values.max().item<double>()).sqrt());
}

struct LeftVectors
{
    at::Tensor basis; ///< [out, rank], orthonormal, by falling singular value
    double lost = 0;
};

/// Of the symmetric matrix `gram`: eigenvectors by falling eigenvalue, and the sum of the eigenvalues left out.
LeftVectors leading(const at::Tensor& gram, std::int64_t rank)
{
    const auto [values, vectors] = at::linalg_eigh(gram);
    const std::int64_t left = gram.size(0) - rank;
    return {vectors.narrow(1, left, rank).flip(1), values.narrow(0, 0, left).clamp_min(0).sum().item<double>()};
}

LeftVectors leftVectors(const at::Tensor& matrix, const at::Tensor& omega, std::int64_t rank)
{
    if (matrix.size(0) <= matrix.size(1)) {
        const at::Tensor gram = at::mm(weighted(matrix, omega), matrix.t());
        return leading((gram + gram.t()) / 2, rank);
    }
    const at::Tensor white = whitened(matrix, omega);
    const LeftVectors right = leading(at::mm(white.t(), white), rank);
    // Small singular values come with vectors that are not orthogonal to working accuracy; their span is what counts.
    return {std::get<0>(at::linalg_qr(at::mm(white, right.basis))), right.lost};
}

} // namespace

LowRankFactors truncate(const at::Tensor& matrix, const at::Tensor& omega, std::int64_t rank)
{
    const at::Tensor wide = matrix.to(at::kDouble);
    const LeftVectors left = leftVectors(wide, floored(omega), rank);
    at::Tensor a = at::mm(left.basis.t(), wide);
    const at::Tensor root = at::linalg_vector_norm(a, 2, at::IntArrayRef {1}, /*keepdim=*/true).sqrt_();
    const at::Tensor isZero = root == 0;
    a.div_(root.masked_fill(isZero, 1));
    return {left.basis * root.t(), a, left.lost};
}

LowRankFactors refitted(LowRankFactors factors, const at::Tensor& targets, const at::Tensor& inputs)
{
    constexpr double kPull = 1e-6;
    const at::Tensor z = at::mm(inputs.to(at::kDouble), factors.a.t());
    const at::Tensor gram = at::mm(z.t(), z);
    const double pull = kPull * gram.diagonal().mean().item<double>();
    if (!(pull > 0))
        return factors;
    // Bᵀ = (Zᵀ Z + p I)⁻¹ (Zᵀ Y + p B₀ᵀ)
    const at::Tensor right = at::mm(z.t(), targets.to(at::kDouble)) + pull * factors.b.t();
    const at::Tensor lower = at::linalg_cholesky(gram + pull * at::eye(gram.size(0), gram.options()));
    factors.b = at::cholesky_solve(right, lower).t().contiguous();
    return factors;
}

FactorFormat FactorFormat::fromParameters(const core::Json& parameters, std::string_view bits,
                                          std::string_view groupSize, at::ScalarType type)
{
    FactorFormat format;
    format.type = type;
    const int width = parameters.at(bits).get<int>();
    if (width == kNotQuantized)
        return format;
    AffineOptions& grid = format.grid.emplace();
    grid.bits = width;
    grid.groupSize = parameters.at(groupSize).get<std::int64_t>();
    grid.symmetric = true;
    grid.divisor = SymmetricDivisor::QMax;
    return format;
}

core::Result<std::shared_ptr<const LowRankTensor>> store(const LowRankFactors& factors, const FactorFormat& format)
{
    return format.grid ? LowRankTensor::quantized(factors.b, factors.a, *format.grid)
                       : LowRankTensor::stored(factors.b, factors.a, format.type);
}

} // namespace paretoscope::engine
