// SPDX-License-Identifier: Apache-2.0
#include "core/search/variation.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr double kEqual = 1e-14; ///< coordinates closer than that have no children between and around them

/// The spread factor of a child whose parents lie `distance` apart and `room` away from the bound on its side.
double spreadFactor(double random, double room, double distance, double index)
{
    const double beta = 1 + 2 * room / distance;
    const double alpha = 2 - std::pow(beta, -(index + 1));
    const double power = 1 / (index + 1);
    return random <= 1 / alpha ? std::pow(random * alpha, power) : std::pow(1 / (2 - random * alpha), power);
}

void crossCoordinate(double& a, double& b, double index, RandomSource& random)
{
    const double low = std::min(a, b);
    const double high = std::max(a, b);
    if (high - low <= kEqual)
        return;
    const double draw = random.uniform();
    const double middle = (low + high) / 2;
    const double half = (high - low) / 2;
    double first = std::clamp(middle - spreadFactor(draw, low, high - low, index) * half, 0.0, 1.0);
    double second = std::clamp(middle + spreadFactor(draw, 1 - high, high - low, index) * half, 0.0, 1.0);
    if (random.chance(0.5))
        std::swap(first, second);
    a = first;
    b = second;
}

double mutatedCoordinate(double value, double index, RandomSource& random)
{
    const double draw = random.uniform();
    const double power = 1 / (index + 1);
    double step = 0;
    if (draw < 0.5)
        step = std::pow(2 * draw + (1 - 2 * draw) * std::pow(1 - value, index + 1), power) - 1;
    else
        step = 1 - std::pow(2 * (1 - draw) + 2 * (draw - 0.5) * std::pow(value, index + 1), power);
    return std::clamp(value + step, 0.0, 1.0);
}

/// Among few values the step of a mutation would mostly end at the value it began with: then it goes to a neighbour.
double mutatedLevel(const SearchDimension& dimension, double value, double index, RandomSource& random)
{
    const double moved = mutatedCoordinate(value, index, random);
    const std::size_t level = dimension.levelAt(value);
    if (dimension.levels < 2 || dimension.levelAt(moved) != level)
        return moved;
    const bool canRise = level + 1 < dimension.levels;
    const bool rises = canRise && (level == 0 || random.chance(0.5));
    return dimension.coordinateOf(rises ? level + 1 : level - 1);
}

} // namespace

void cross(SearchPoint& a, SearchPoint& b, const SearchSpace& space, const VariationSettings& settings,
           RandomSource& random)
{
    if (!random.chance(settings.crossoverProbability))
        return;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!random.chance(0.5))
            continue;
        if (space.dimensions()[i].isOrdered)
            crossCoordinate(a[i], b[i], settings.crossoverIndex, random);
        else
            std::swap(a[i], b[i]);
    }
}

void mutate(SearchPoint& point, const SearchSpace& space, const VariationSettings& settings, RandomSource& random)
{
    const double probability = 1 / static_cast<double>(std::max<std::size_t>(1, point.size()));
    for (std::size_t i = 0; i < point.size(); ++i) {
        if (!random.chance(probability))
            continue;
        const SearchDimension& dimension = space.dimensions()[i];
        if (!dimension.isOrdered)
            point[i] = random.uniform();
        else if (dimension.levels > 0)
            point[i] = mutatedLevel(dimension, point[i], settings.mutationIndex, random);
        else
            point[i] = mutatedCoordinate(point[i], settings.mutationIndex, random);
    }
}

} // namespace paretoscope::core
