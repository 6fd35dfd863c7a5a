// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace paretoscope::core {

/// A trial in the plane of two objectives, both to be minimised (negate a metric that is maximised).
struct ObjectivePoint
{
    double x = 0;
    double y = 0;
    bool operator==(const ObjectivePoint&) const = default;
};

/// Indices of the non-dominated points by rising x. A point is dominated when another is no worse in both and better in
/// one; of equal points all stay. Points that are not finite never are on the front. O(n log n), deterministic.
std::vector<std::size_t> frontOf(std::span<const ObjectivePoint> points);

/// The area between the front and `reference`; points not better than it in both count nothing, equal points count
/// once. In units of x times units of y. O(n log n). Source: Zitzler and Thiele, PPSN 1998.
double hypervolumeOf(std::span<const ObjectivePoint> points, ObjectivePoint reference);

/// The worst x and y of the front, each moved outwards by a tenth of the front's range (by 10 % when the range is 0, by
/// 0.1 when the value is 0 as well), so that a bad trial does not move it. (0, 0) when no point is finite.
/// Source: the 0.1 range rule of BoTorch's infer_reference_point.
ObjectivePoint referencePointOf(std::span<const ObjectivePoint> points);

/// Index of the front point farthest below the chord between the front's ends, both axes scaled to [0, 1]; of several
/// the one with the smallest x. Empty for fewer than three front points and when none lies below the chord (a straight
/// or concave front): a knee is never invented.
std::optional<std::size_t> kneeOf(std::span<const ObjectivePoint> points);

} // namespace paretoscope::core
