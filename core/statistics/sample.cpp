// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/sample.h"

#include "core/base/assert.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace paretoscope::core {

double meanOf(std::span<const double> values)
{
    if (values.empty())
        return std::numeric_limits<double>::quiet_NaN();
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

std::optional<double> standardErrorOfMean(std::span<const double> values)
{
    if (values.size() < 2)
        return std::nullopt;
    const double mean = meanOf(values);
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    return std::sqrt(squares / double(values.size() - 1) / double(values.size()));
}

Estimate meanEstimate(std::span<const double> values)
{
    return {meanOf(values), standardErrorOfMean(values)};
}

Estimate ratioEstimate(std::span<const double> numerators, std::span<const double> denominators)
{
    PSC_ASSERT(numerators.size() == denominators.size(), "a ratio has as many denominators as numerators");
    const double below = std::accumulate(denominators.begin(), denominators.end(), 0.0);
    const double ratio = std::accumulate(numerators.begin(), numerators.end(), 0.0) / below;
    const auto count = double(numerators.size());
    if (numerators.size() < 2)
        return {ratio, std::nullopt};
    double squares = 0;
    for (std::size_t i = 0; i < numerators.size(); ++i) {
        const double residual = numerators[i] - ratio * denominators[i];
        squares += residual * residual;
    }
    return {ratio, std::sqrt(squares * count / (count - 1)) / below};
}

std::optional<double> standardErrorOfShare(double share, std::size_t count)
{
    if (count < 2)
        return std::nullopt;
    return std::sqrt(share * (1 - share) / double(count - 1));
}

double quantileOf(std::span<const double> sorted, double fraction)
{
    PSC_ASSERT(!sorted.empty() && fraction >= 0 && fraction <= 1, "a quantile needs values and a fraction of 0 to 1");
    const double place = fraction * double(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - double(below)) * (sorted[above] - sorted[below]);
}

std::optional<double> correlationOf(std::span<const double> a, std::span<const double> b)
{
    PSC_ASSERT(a.size() == b.size(), "correlated series are equally long");
    const double meanA = meanOf(a);
    const double meanB = meanOf(b);
    double squaresA = 0;
    double squaresB = 0;
    double products = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        squaresA += (a[i] - meanA) * (a[i] - meanA);
        squaresB += (b[i] - meanB) * (b[i] - meanB);
        products += (a[i] - meanA) * (b[i] - meanB);
    }
    if (!(squaresA > 0) || !(squaresB > 0))
        return std::nullopt;
    return products / std::sqrt(squaresA * squaresB);
}

} // namespace paretoscope::core
