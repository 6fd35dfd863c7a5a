// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/random_source.h"
#include "core/search/search_space.h"

namespace paretoscope::core {

/// How a genetic search makes new points of two.
struct VariationSettings
{
    double crossoverProbability = 0.9; ///< of a pair
    double crossoverIndex = 15;        ///< larger: children closer to their parents
    double mutationIndex = 20;         ///< larger: smaller steps
};

/// Crosses two points in place: with crossoverProbability, every second coordinate by simulated binary crossover within
/// [0, 1], names by being exchanged with probability 0.5.
/// Source: K. Deb and R. B. Agrawal, "Simulated binary crossover for continuous search space", Complex Systems 9
/// (1995), in the form with bounds of the authors' NSGA-II.
void cross(SearchPoint& a, SearchPoint& b, const SearchSpace& space, const VariationSettings& settings,
           RandomSource& random);

/// Changes each coordinate with probability 1/n: by polynomial mutation within [0, 1], of levels at least to the next
/// one, a name into any.
/// Source: K. Deb and M. Goyal, "A combined genetic adaptive search (GeneAS) for engineering design" (1996), in the
/// form with bounds.
void mutate(SearchPoint& point, const SearchSpace& space, const VariationSettings& settings, RandomSource& random);

} // namespace paretoscope::core
