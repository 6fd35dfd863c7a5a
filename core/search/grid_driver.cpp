// SPDX-License-Identifier: Apache-2.0
#include "core/search/grid_driver.h"

#include <set>

namespace paretoscope::core {

std::vector<SearchCandidate> GridDriver::ask()
{
    std::vector<SearchCandidate> batch;
    if (m_isOver)
        return batch;
    m_isOver = true;
    const std::vector<SearchDimension>& dimensions = m_space.dimensions();
    std::set<SearchPoint> seen;
    std::vector<std::size_t> levels(dimensions.size(), 0);
    for (;;) {
        SearchPoint point(levels.size());
        for (std::size_t i = 0; i < levels.size(); ++i)
            point[i] = dimensions[i].coordinateOf(levels[i]);
        point = m_space.normalised(point);
        if (seen.insert(point).second)
            batch.push_back({std::move(point)});
        std::size_t digit = levels.size();
        while (digit > 0 && ++levels[digit - 1] == dimensions[digit - 1].levels)
            levels[--digit] = 0;
        if (digit == 0)
            return batch;
    }
}

} // namespace paretoscope::core
