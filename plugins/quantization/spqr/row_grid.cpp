// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/row_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace paretoscope::spqr {

namespace {

double square(double value)
{
    return value * value;
}

/// Of all weights but the one at `left`.
double squaredErrors(std::span<const float> weights, std::span<const float> diagonal, const RowGrid& grid, float levels,
                     std::size_t left)
{
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (i != left)
            sum += square(double(weights[i] - grid.quantize(weights[i], levels)) / double(diagonal[i]));
    }
    return sum;
}

/// The two smallest and the two largest weights: all that a range without one of them depends on.
struct Extremes
{
    explicit Extremes(std::span<const float> weights)
    {
        for (const float weight : weights) {
            if (weight < lowest) {
                secondLowest = lowest;
                lowest = weight;
            } else {
                secondLowest = std::min(secondLowest, weight);
            }
            if (weight > highest) {
                secondHighest = highest;
                highest = weight;
            } else {
                secondHighest = std::max(secondHighest, weight);
            }
        }
    }
    Range all() const { return {lowest, highest}; }
    Range without(float weight) const
    {
        return {weight == lowest ? secondLowest : lowest, weight == highest ? secondHighest : highest};
    }

    float lowest = std::numeric_limits<float>::infinity();
    float secondLowest = std::numeric_limits<float>::infinity();
    float highest = -std::numeric_limits<float>::infinity();
    float secondHighest = -std::numeric_limits<float>::infinity();
};

} // namespace

float RowGridRule::zeroFor(float low, float scale) const
{
    if (symmetric)
        return static_cast<float>(1 << (bits - 1));
    return roundZero ? std::clamp(std::nearbyint(-low / scale), 0.0F, levels()) : -low / scale;
}

float RowGrid::code(float weight, float levels) const
{
    return std::clamp(std::nearbyint(weight / scale + zero), 0.0F, levels);
}

Range Range::of(std::span<const float> weights)
{
    const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
    return {*low, *high};
}

float Range::scale(const RowGridRule& rule) const
{
    return (rule.symmetric ? 2 * std::max(std::fabs(low), std::fabs(high)) : high - low) / rule.levels();
}

RowGrid Range::grid(const RowGridRule& rule) const
{
    const float fitted = scale(rule);
    if (fitted > 0)
        return {fitted, rule.zeroFor(low, fitted)};
    const float exact = low == 0 ? 1.0F : std::fabs(low);
    return {exact, rule.zeroFor(low, exact)};
}

void dropLikelyOutliers(std::span<float> weights, std::span<const float> diagonal, double threshold,
                        const RowGridRule& rule)
{
    const std::size_t count = weights.size();
    if (count < 2)
        return;
    const float levels = rule.levels();
    const Extremes extremes(weights);
    const RowGrid grid = extremes.all().grid(rule);
    const double all = squaredErrors(weights, diagonal, grid, levels, count);
    std::vector<bool> drops(count);
    double sum = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Range rest = extremes.without(weights[i]);
        // Only without an extreme is the grid another one.
        const bool same = rest.low == extremes.lowest && rest.high == extremes.highest;
        const double gain = same ? square(double(weights[i] - grid.quantize(weights[i], levels)) / double(diagonal[i]))
                                 : all - squaredErrors(weights, diagonal, rest.grid(rule), levels, i);
        drops[i] = gain > threshold;
        if (!drops[i]) {
            sum += double(weights[i]);
            ++kept;
        }
    }
    const auto mean = static_cast<float>(kept > 0 ? sum / double(kept) : 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        if (drops[i])
            weights[i] = mean;
    }
}

} // namespace paretoscope::spqr
