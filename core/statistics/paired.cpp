// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/paired.h"

#include "core/base/assert.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace paretoscope::core {

namespace {

std::vector<double> differences(std::span<const double> a, std::span<const double> b)
{
    PSC_ASSERT(a.size() == b.size(), "pairs have two sides");
    std::vector<double> values;
    for (std::size_t i = 0; i < a.size(); ++i)
        values.push_back(b[i] - a[i]);
    return values;
}

/// P(X <= most) with X ~ B(trials, 1/2), by logarithms: no binomial coefficient overflows.
double binomialTail(std::int64_t most, std::int64_t trials)
{
    double sum = 0;
    for (std::int64_t k = 0; k <= most; ++k)
        sum += std::exp(std::lgamma(double(trials) + 1) - std::lgamma(double(k) + 1) -
                        std::lgamma(double(trials - k) + 1) - double(trials) * std::log(2.0));
    return sum;
}

} // namespace

Estimate pairedDifference(std::span<const double> a, std::span<const double> b)
{
    return meanEstimate(differences(a, b));
}

Estimate pairedRatioDifference(std::span<const double> a, std::span<const double> b, std::span<const double> weights)
{
    return ratioEstimate(differences(a, b), weights);
}

McNemar mcNemar(std::span<const int> first, std::span<const int> second)
{
    PSC_ASSERT(first.size() == second.size(), "both judge the same items");
    McNemar test;
    test.items = static_cast<std::int64_t>(first.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
        test.onlyFirst += first[i] != 0 && second[i] == 0 ? 1 : 0;
        test.onlySecond += first[i] == 0 && second[i] != 0 ? 1 : 0;
    }
    if (first.empty())
        return test;
    const auto items = double(test.items);
    const auto discordant = double(test.onlyFirst + test.onlySecond);
    const auto gain = double(test.onlySecond - test.onlyFirst);
    test.difference.value = gain / items;
    test.difference.standardError = std::sqrt(discordant - gain * gain / items) / items;
    test.probability =
        std::min(1.0, 2 * binomialTail(std::min(test.onlyFirst, test.onlySecond), test.onlyFirst + test.onlySecond));
    return test;
}

} // namespace paretoscope::core
