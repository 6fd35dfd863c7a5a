// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statistics/sample.h"

#include <cstdint>
#include <span>

namespace paretoscope::core {

/// Mean of b - a over the same units, with the error of that difference: what a and b share cancels.
/// @param a, b equally long, unit by unit. Source: specs evaluation 8.
Estimate pairedDifference(std::span<const double> a, std::span<const double> b);

/// Σ (b - a) / Σ weights, as ratioEstimate: for units of unequal size, such as documents in bytes.
Estimate pairedRatioDifference(std::span<const double> a, std::span<const double> b, std::span<const double> weights);

/// Two judges of the same items.
struct McNemar
{
    std::int64_t items = 0;
    std::int64_t onlyFirst = 0;  ///< right in the first, wrong in the second
    std::int64_t onlySecond = 0; ///< the other way round
    /// Of both going one way by chance: exact two-sided binomial test, min(1, 2 P(X <= min)) with X ~ B(b + c, 1/2);
    /// 1 when they never differ.
    double probability = 1;
    /// Accuracy of the second minus the first; error sqrt(b + c - (b - c)² / n) / n.
    Estimate difference;
};

/// @param first, second whether each item is right; equally long. Source: McNemar (1947); specs evaluation 8.
McNemar mcNemar(std::span<const int> first, std::span<const int> second);

} // namespace paretoscope::core
