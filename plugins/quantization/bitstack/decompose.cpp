// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/bitstack/decompose.h"

#include "plugins/quantization/bitstack/top_singular.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::bitstack {

namespace {

double squaredNorm(const at::Tensor& matrix)
{
    return matrix.square().sum(at::kDouble).item<double>();
}

} // namespace

std::int64_t Options::rankFor(std::int64_t rows, std::int64_t columns) const
{
    const std::int64_t smaller = std::min(rows, columns);
    return std::clamp<std::int64_t>(rank > 0 ? rank : (smaller + 128) / 256, 1, smaller);
}

at::Tensor activationScales(const at::Tensor& squareMean)
{
    const at::Tensor size = squareMean.sqrt();
    const double mean = size.mean().item<double>();
    return (mean > 0 ? size / mean + 1e-3 : at::ones_like(size)).to(at::kHalf);
}

core::Result<StackParts> decompose(const at::Tensor& weight, const at::Tensor& scales, const Options& options,
                                   std::uint64_t seed)
{
    const std::int64_t rank = options.rankFor(weight.size(0), weight.size(1));
    at::Tensor rest = scales.defined() ? weight * scales.to(at::kFloat) : weight.clone();
    std::vector<at::Tensor> signs;
    std::vector<at::Tensor> left;
    std::vector<at::Tensor> right;
    StackParts parts;
    parts.scales = scales;
    parts.errors.push_back(squaredNorm(rest));
    for (std::int64_t block = 0; block < options.blocks; ++block) {
        const at::Tensor isPositive = rest >= 0;
        const TopSingular top = topSingular(rest.abs(), rank, seed + static_cast<std::uint64_t>(block));
        signs.push_back(packSigns(isPositive));
        left.push_back(top.left.to(at::kHalf));
        right.push_back(top.right.to(at::kHalf));
        const at::Tensor product = at::mm(left.back().to(at::kFloat), right.back().to(at::kFloat));
        rest.sub_(at::where(isPositive, product, -product));
        parts.errors.push_back(squaredNorm(rest));
        if (!std::isfinite(parts.errors.back()))
            return core::Error {core::ErrorCode::Numerical,
                                "a factor of its block " + std::to_string(block + 1) +
                                    " is beyond the range of float16",
                                "exclude this module"};
        if (block > 0)
            parts.importance.push_back(parts.errors[0] > 0
                                           ? (parts.errors.back() - *std::prev(parts.errors.end(), 2)) / parts.errors[0]
                                           : 0.0);
    }
    parts.signs = at::stack(signs);
    parts.left = at::stack(left);
    parts.right = at::stack(right);
    return parts;
}

} // namespace paretoscope::bitstack
