// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::aqlm {

struct KMeans
{
    std::int64_t centroids = 256;
    int rounds = 25;
    std::int64_t pointsPerCentroid = 64; ///< more points than this are drawn from
    std::uint64_t seed = 0;              ///< of that draw and of the start
};

/// Lloyd's algorithm, from a random start among the points. A centroid that no point is nearest to moves to the point
/// that is farthest from its own; so all are finite, also where there are fewer distinct points than centroids.
/// @param points float32 [n, size]. @return float32 [centroids, size]. Deterministic for equal threads.
at::Tensor kMeans(const at::Tensor& points, const KMeans& options);

/// The nearest centroid of every point. @return int64 [n]
at::Tensor nearest(const at::Tensor& points, const at::Tensor& centroids);

} // namespace paretoscope::aqlm
