// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/bitstack/top_singular.h"

#include "core/engine/device/transfer.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>

namespace paretoscope::bitstack {

namespace {

constexpr std::int64_t kMoreDirections = 8;
constexpr int kMostRounds = 50;
constexpr double kSmallestGain = 1e-4; ///< of what is left out

/// Orthonormal columns that span the same space. @param tall float32 [n, l], l at most n
at::Tensor orthonormal(const at::Tensor& tall)
{
    const at::Tensor basis = std::get<0>(at::linalg_qr(engine::toHost(tall).to(at::kDouble)));
    return engine::toDevice(basis.to(at::kFloat), tall.device());
}

double squaredNorm(const at::Tensor& matrix)
{
    return matrix.square().sum(at::kDouble).item<double>();
}

} // namespace

TopSingular topSingular(const at::Tensor& matrix, std::int64_t rank, std::uint64_t seed)
{
    const std::int64_t smaller = std::min(matrix.size(0), matrix.size(1));
    const std::int64_t directions = std::min(rank + kMoreDirections, smaller);
    const at::Tensor start =
        at::randn({matrix.size(1), directions}, at::make_generator<at::CPUGeneratorImpl>(seed), at::kFloat);
    const double total = squaredNorm(matrix);
    at::Tensor basis = orthonormal(at::mm(matrix, engine::toDevice(start, matrix.device())));
    at::Tensor coordinates = at::mm(basis.t(), matrix); // [directions, columns]
    double captured = squaredNorm(coordinates);
    for (int round = 0; round < kMostRounds && directions < smaller; ++round) {
        basis = orthonormal(at::mm(matrix, orthonormal(coordinates.t())));
        coordinates = at::mm(basis.t(), matrix);
        const double before = captured;
        captured = squaredNorm(coordinates);
        if (captured - before <= kSmallestGain * (total - captured))
            break;
    }
    // The singular vectors within the subspace, from the small Gram matrix.
    const at::Tensor wide = engine::toHost(coordinates).to(at::kDouble);
    const auto [squares, vectors] = at::linalg_eigh(at::mm(wide, wide.t())); // rising
    const at::Tensor turn = vectors.flip(1).narrow(1, 0, rank);
    const at::Tensor roots = squares.flip(0).narrow(0, 0, rank).clamp_min(0).pow(0.25); // √σ
    const at::Tensor inverse = at::where(roots > 0, roots.reciprocal(), at::zeros_like(roots));
    const auto onDevice = [&](const at::Tensor& small) {
        return engine::toDevice(small.to(at::kFloat), matrix.device());
    };
    return {at::mm(basis, onDevice(turn * roots)), at::mm(onDevice((turn * inverse).t()), coordinates)};
}

} // namespace paretoscope::bitstack
