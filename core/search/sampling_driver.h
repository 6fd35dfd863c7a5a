// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_driver.h"

#include <cstdint>
#include <functional>

namespace paretoscope::core {

/// Draws points until enough of them differ, or until none is left.
/// @param draw  the next point, not normalised
/// @return normalised, in the order of the draws; fewer than `count` when ten thousand draws in a row brought none
std::vector<SearchPoint> distinctPoints(const SearchSpace& space, std::size_t count,
                                        const std::function<SearchPoint()>& draw);
/// Each coordinate uniform in [0, 1).
std::vector<SearchPoint> randomPoints(const SearchSpace& space, std::size_t count, std::uint64_t seed);
/// Of the Sobol sequence, shifted by the seed. The space has at most SobolSequence::kMaxDimensions.
std::vector<SearchPoint> sobolPoints(const SearchSpace& space, std::size_t count, std::uint64_t seed);

/// Points that do not depend on results, in one batch.
class SamplingDriver : public SearchDriver
{
public:
    explicit SamplingDriver(std::vector<SearchPoint> points)
        : m_points(std::move(points))
    {}

    std::vector<SearchCandidate> ask() override;
    void tell(std::span<const SearchResult> results) override { static_cast<void>(results); }

private:
    std::vector<SearchPoint> m_points;
};

} // namespace paretoscope::core
