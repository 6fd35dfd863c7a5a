// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_driver.h"

#include <cstddef>
#include <span>
#include <vector>

namespace paretoscope::core {

/// Whether `a` beats `b`: a candidate that did not fail one that did, a feasible one one that is not, of two that are
/// not the one with the smaller violation; of two feasible ones that which is no worse in any objective and better in
/// one. Source: K. Deb, "An efficient constraint handling method for genetic algorithms", CMAME 186 (2000).
bool dominates(const SearchResult& a, const SearchResult& b);

/// How many fronts have to be taken away before a result is dominated by none: 0 for the front itself. Equal results
/// have equal ranks. O(n²) comparisons.
std::vector<int> ranksOf(std::span<const SearchResult> results);

/// How lonely results are within their rank: the sum over the objectives of the distance between the two neighbours,
/// as a share of the range; infinite at the ends. Failed results have 0.
/// Source: K. Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 6 (2002).
std::vector<double> crowdingOf(std::span<const SearchResult> results, std::span<const int> ranks);

/// Indices from the best to the worst: by rank, then the lonelier ones first, then in the order given.
std::vector<std::size_t> orderByMerit(std::span<const SearchResult> results);

} // namespace paretoscope::core
