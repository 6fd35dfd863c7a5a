// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace paretoscope::core {

/// A number with the standard error of its estimate.
struct Estimate
{
    double value = 0;
    std::optional<double> standardError; ///< nothing for a single unit
};

/// Sums in the order given; the caller's order is the caller's reproducibility. NaN for no values.
double meanOf(std::span<const double> values);
/// sd / sqrt(n) with n - 1 below the variance; nothing for fewer than two values.
std::optional<double> standardErrorOfMean(std::span<const double> values);
Estimate meanEstimate(std::span<const double> values);

/// Σ numerators / Σ denominators of independent units, with the delta method's error:
/// var = Σ (y - R x)² / (Σ x)² · n / (n - 1). Equal denominators give meanEstimate of y / x.
/// Source: specs evaluation 3; Cochran, Sampling Techniques (1977), 6.3.
Estimate ratioEstimate(std::span<const double> numerators, std::span<const double> denominators);

/// sqrt(p (1 - p) / (n - 1)) for a share p of n items: standardErrorOfMean of as many zeros and ones.
std::optional<double> standardErrorOfShare(double share, std::size_t count);

/// Linear interpolation at fraction · (n - 1) of the sorted values; fraction 0.5 is the median. Values must not be NaN.
double quantileOf(std::span<const double> sorted, double fraction);

/// Pearson's; nothing when one of both does not vary. @param a, b equally long
std::optional<double> correlationOf(std::span<const double> a, std::span<const double> b);

} // namespace paretoscope::core
