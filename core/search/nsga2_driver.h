// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_driver.h"
#include "core/search/variation.h"

#include <cstdint>
#include <set>

namespace paretoscope::core {

/// Elitist genetic search for a front. A batch is a generation: the first one is random; of parents and children the
/// better half lives on, by rank and loneliness. No point is asked for twice; a generation is smaller where a small
/// space has none left. Constraints: feasible ones first. Source: K. Deb et al., "A fast and elitist multiobjective
/// genetic algorithm: NSGA-II", IEEE TEC 6 (2002).
class Nsga2Driver : public SearchDriver
{
public:
    struct Settings
    {
        std::size_t population = 50;
        std::size_t generations = 10; ///< the first, random one counted in
        VariationSettings variation;
    };

    Nsga2Driver(SearchSpace space, const Settings& settings, std::uint64_t seed);

    std::vector<SearchCandidate> ask() override;
    void tell(std::span<const SearchResult> results) override;

private:
    struct Member
    {
        SearchPoint genes; ///< not normalised: what does not count at a point may count at its children
        SearchResult result;
    };

    void breed();
    std::size_t tournament();
    bool propose(SearchPoint genes);

    SearchSpace m_space;
    Settings m_settings;
    RandomSource m_random;
    std::size_t m_generation = 0;
    std::set<SearchPoint> m_asked;       ///< normalised
    std::vector<Member> m_parents;       ///< best first
    std::vector<int> m_ranks;            ///< of the parents
    std::vector<double> m_crowding;      ///< likewise
    std::vector<SearchPoint> m_children; ///< genes of the batch
};

} // namespace paretoscope::core
