// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace paretoscope::core {

/// A place in a search space: a coordinate within [0, 1] for every dimension.
using SearchPoint = std::vector<double>;

/// One thing to choose.
struct SearchDimension
{
    std::size_t levels = 0; ///< how many values there are; 0: every number of an interval
    bool isOrdered = true;  ///< neighbours are alike (numbers, not names)

    /// The value at a coordinate. @return 0 to levels - 1
    std::size_t levelAt(double coordinate) const;
    /// The middle of the coordinates of a value.
    double coordinateOf(std::size_t level) const;
};

/// What a driver searches: it knows numbers of dimensions and levels, no plugins or parameters.
class SearchSpace
{
public:
    /// Which dimensions count at a point; `point` is normalised up to the dimension asked for. Null: all.
    using IsActive = std::function<bool(const SearchPoint& point, std::size_t dimension)>;

    SearchSpace() = default;
    explicit SearchSpace(std::vector<SearchDimension> dimensions, IsActive isActive = {})
        : m_dimensions(std::move(dimensions))
        , m_isActive(std::move(isActive))
    {}

    const std::vector<SearchDimension>& dimensions() const { return m_dimensions; }
    /// Equal choices become equal points: coordinates of levels go to their middle, those that do not count to 0.
    SearchPoint normalised(const SearchPoint& point) const;

private:
    std::vector<SearchDimension> m_dimensions;
    IsActive m_isActive;
};

} // namespace paretoscope::core
