// SPDX-License-Identifier: Apache-2.0
#include "core/search/search_space.h"

#include <algorithm>

namespace paretoscope::core {

std::size_t SearchDimension::levelAt(double coordinate) const
{
    const auto level = static_cast<std::size_t>(std::max(coordinate, 0.0) * static_cast<double>(levels));
    return std::min(level, levels - 1);
}

double SearchDimension::coordinateOf(std::size_t level) const
{
    return (static_cast<double>(level) + 0.5) / static_cast<double>(levels);
}

SearchPoint SearchSpace::normalised(const SearchPoint& point) const
{
    SearchPoint result = point;
    for (std::size_t i = 0; i < m_dimensions.size(); ++i) {
        const SearchDimension& dimension = m_dimensions[i];
        if (m_isActive && !m_isActive(result, i))
            result[i] = 0;
        else if (dimension.levels > 0)
            result[i] = dimension.coordinateOf(dimension.levelAt(result[i]));
    }
    return result;
}

} // namespace paretoscope::core
