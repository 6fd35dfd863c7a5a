// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/aqlm/k_means.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <vector>

namespace paretoscope::aqlm {

namespace {

constexpr std::int64_t kScoresAtOnce = std::int64_t(1) << 22;

/// Means of the points of every centroid; empty ones go to the points farthest from their own centroid.
at::Tensor means(const at::Tensor& points, const at::Tensor& centroids, const at::Tensor& owner)
{
    const at::Tensor counts = at::bincount(owner, {}, centroids.size(0));
    at::Tensor moved = at::zeros(centroids.sizes(), points.options().dtype(at::kDouble))
                           .index_add_(0, owner, points.to(at::kDouble))
                           .div_(counts.clamp_min(1).unsqueeze(1))
                           .to(at::kFloat);
    const at::Tensor empty = at::nonzero(counts == 0).squeeze(1);
    const std::int64_t moves = std::min(empty.size(0), points.size(0));
    if (empty.size(0) == 0)
        return moved;
    const at::Tensor distances = (points - moved.index_select(0, owner)).square().sum(1);
    const at::Tensor farthest = std::get<1>(distances.topk(moves));
    return moved.index_copy_(0, empty.narrow(0, 0, moves), points.index_select(0, farthest));
}

} // namespace

at::Tensor nearest(const at::Tensor& points, const at::Tensor& centroids)
{
    const at::Tensor halfSquares = centroids.square().sum(1) / 2;
    const at::Tensor turned = centroids.t().contiguous();
    const std::int64_t atOnce = std::max<std::int64_t>(1, kScoresAtOnce / centroids.size(0));
    std::vector<at::Tensor> found;
    for (const at::Tensor& some : points.split(atOnce))
        found.push_back(at::addmm(halfSquares, some, turned, 1, -1).argmin(1));
    return at::cat(found);
}

at::Tensor kMeans(const at::Tensor& points, const KMeans& options)
{
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(options.seed);
    const auto drawn = [&](const at::Tensor& from, std::int64_t count) {
        const at::Tensor order = at::randperm(from.size(0), generator, at::kLong).to(from.device());
        return from.index_select(0, order.narrow(0, 0, std::min(count, from.size(0))));
    };
    const at::Tensor sample = drawn(points, options.centroids * options.pointsPerCentroid);
    at::Tensor centroids = drawn(sample, options.centroids);
    if (centroids.size(0) < options.centroids) // fewer points than centroids: each stands for itself
        return at::cat({centroids, centroids.narrow(0, 0, 1).expand({options.centroids - centroids.size(0), -1})});
    at::Tensor owner;
    for (int round = 0; round < options.rounds; ++round) {
        const at::Tensor before = owner;
        owner = nearest(sample, centroids);
        if (before.defined() && at::equal(before, owner))
            break;
        centroids = means(sample, centroids, owner);
    }
    return centroids;
}

} // namespace paretoscope::aqlm
