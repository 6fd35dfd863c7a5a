// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/wanda/wanda.h"

#include <cmath>

namespace paretoscope::wanda {

namespace {

constexpr double kFirstAlpha = 0.4;
constexpr double kLargestAlpha = 0.8;
constexpr double kNarrowest = 1e-3; ///< interval at which the bisection ends

} // namespace

at::Tensor scores(const at::Tensor& weight, const at::Tensor& columnSquareMean)
{
    return weight.abs().mul_(columnSquareMean.sqrt());
}

Variant variantMask(const at::Tensor& scores, double sparsity, double tolerance)
{
    const auto [ascending, order] = scores.sort(/*stable=*/true, 1, /*descending=*/false);
    const at::Tensor running = ascending.cumsum(1, at::kDouble);
    const at::Tensor sums = running.narrow(1, running.size(1) - 1, 1);
    double low = 0;
    double high = kLargestAlpha;
    double alpha = kFirstAlpha;
    at::Tensor dropped = running <= alpha * sums; // in ascending order
    while (high - low >= kNarrowest) {
        const double share = double(dropped.sum().item<std::int64_t>()) / double(dropped.numel());
        if (std::fabs(share - sparsity) <= tolerance)
            break;
        (share > sparsity ? high : low) = alpha;
        alpha = (low + high) / 2;
        dropped = running <= alpha * sums;
    }
    return {at::empty_like(dropped).scatter_(1, order, dropped.logical_not()), alpha};
}

} // namespace paretoscope::wanda
