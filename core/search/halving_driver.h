// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_driver.h"

#include <cstdint>

namespace paretoscope::core {

/// How successive halving spends its effort.
struct HalvingPlan
{
    std::vector<std::size_t> candidates; ///< by rung; falls by the factor
    std::vector<std::int64_t> windows;   ///< likewise; rises by the factor up to all of them
};

/// As many rungs as leave a candidate for the last one and at least `minWindows` windows for the first one.
/// @param trials, windows, minWindows  at least 1; @param factor  at least 2
HalvingPlan planHalving(std::size_t trials, std::int64_t windows, std::int64_t factor, std::int64_t minWindows);

/// Measures many points cheaply, the best of them more thoroughly, and so on; a batch is a rung. The best ones are
/// chosen by rank, then loneliness; failed ones go no further. Source: K. Jamieson and A. Talwalkar, "Non-stochastic
/// best arm identification and hyperparameter optimization", AISTATS 2016; by fronts as in
/// specs/search_compensation 8.6.
class HalvingDriver : public SearchDriver
{
public:
    /// @param points  normalised; the candidates of the first rung
    HalvingDriver(std::vector<SearchPoint> points, HalvingPlan plan);

    std::vector<SearchCandidate> ask() override;
    void tell(std::span<const SearchResult> results) override;

private:
    std::vector<SearchPoint> m_points; ///< that are still in the race
    HalvingPlan m_plan;
    std::size_t m_rung = 0;
};

} // namespace paretoscope::core
