// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/front.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace paretoscope::core {

namespace {

bool isFinite(const ObjectivePoint& point)
{
    return std::isfinite(point.x) && std::isfinite(point.y);
}

/// `worst` moved away from `best` by a tenth of their distance.
double movedOutwards(double best, double worst)
{
    if (worst > best)
        return worst + 0.1 * (worst - best);
    return worst == 0 ? 0.1 : worst + 0.1 * std::fabs(worst); // 10 % of zero would leave the point on its own reference
}

} // namespace

std::vector<std::size_t> frontOf(std::span<const ObjectivePoint> points)
{
    std::vector<std::size_t> order;
    order.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (isFinite(points[i]))
            order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::tie(points[a].x, points[a].y, a) < std::tie(points[b].x, points[b].y, b);
    });

    std::vector<std::size_t> front;
    double lowest = std::numeric_limits<double>::infinity();
    for (const std::size_t i : order) {
        const bool twin = !front.empty() && points[front.back()] == points[i];
        if (points[i].y < lowest || twin) {
            front.push_back(i);
            lowest = points[i].y;
        }
    }
    return front;
}

double hypervolumeOf(std::span<const ObjectivePoint> points, ObjectivePoint reference)
{
    double area = 0;
    double previousY = reference.y;
    for (const std::size_t i : frontOf(points)) { // falling y
        const ObjectivePoint& point = points[i];
        if (!(point.x < reference.x && point.y < reference.y))
            continue;
        area += (reference.x - point.x) * (previousY - point.y);
        previousY = point.y;
    }
    return area;
}

ObjectivePoint referencePointOf(std::span<const ObjectivePoint> points)
{
    const std::vector<std::size_t> front = frontOf(points);
    if (front.empty())
        return {};
    const ObjectivePoint& first = points[front.front()]; // best x, worst y
    const ObjectivePoint& last = points[front.back()];
    return {movedOutwards(first.x, last.x), movedOutwards(last.y, first.y)};
}

std::optional<std::size_t> kneeOf(std::span<const ObjectivePoint> points)
{
    const std::vector<std::size_t> front = frontOf(points);
    if (front.size() < 3)
        return std::nullopt;
    const ObjectivePoint& first = points[front.front()];
    const ObjectivePoint& last = points[front.back()];
    const double width = last.x - first.x;
    const double height = first.y - last.y;
    if (!(width > 0 && height > 0))
        return std::nullopt; // one point, several times

    // Scaled, the chord runs from (0, 1) to (1, 0): 1 - x - y is sqrt(2) times the distance below it.
    constexpr double kCollinear = 1e-12;
    double farthest = kCollinear;
    std::optional<std::size_t> knee;
    for (const std::size_t i : front) {
        const double below = 1 - (points[i].x - first.x) / width - (points[i].y - last.y) / height;
        if (below > farthest) {
            farthest = below;
            knee = i;
        }
    }
    return knee;
}

} // namespace paretoscope::core
