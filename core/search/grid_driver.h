// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_driver.h"

namespace paretoscope::core {

/// All points in one batch, the last dimension fastest, equal ones once.
class GridDriver : public SearchDriver
{
public:
    /// @param space  without intervals, and with a number of points that fits memory
    explicit GridDriver(SearchSpace space)
        : m_space(std::move(space))
    {}

    std::vector<SearchCandidate> ask() override;
    void tell(std::span<const SearchResult> results) override { static_cast<void>(results); }

private:
    SearchSpace m_space;
    bool m_isOver = false;
};

} // namespace paretoscope::core
