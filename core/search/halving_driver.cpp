// SPDX-License-Identifier: Apache-2.0
#include "core/search/halving_driver.h"

#include "core/base/assert.h"
#include "core/search/domination.h"

#include <algorithm>

namespace paretoscope::core {

HalvingPlan planHalving(std::size_t trials, std::int64_t windows, std::int64_t factor, std::int64_t minWindows)
{
    HalvingPlan plan;
    auto left = static_cast<std::int64_t>(trials);
    for (std::int64_t share = windows; left >= 1; left /= factor, share /= factor) {
        if (!plan.windows.empty() && share < minWindows)
            break;
        plan.windows.insert(plan.windows.begin(), share);
        plan.candidates.push_back(static_cast<std::size_t>(left));
    }
    return plan;
}

HalvingDriver::HalvingDriver(std::vector<SearchPoint> points, HalvingPlan plan)
    : m_points(std::move(points))
    , m_plan(std::move(plan))
{}

std::vector<SearchCandidate> HalvingDriver::ask()
{
    std::vector<SearchCandidate> batch;
    if (m_rung == m_plan.candidates.size())
        return batch;
    for (const SearchPoint& point : m_points)
        batch.push_back({point, static_cast<int>(m_rung)});
    return batch;
}

void HalvingDriver::tell(std::span<const SearchResult> results)
{
    PSC_ASSERT(results.size() == m_points.size(), "a result for every candidate of the rung");
    if (++m_rung == m_plan.candidates.size())
        return;
    std::vector<SearchPoint> best;
    for (const std::size_t i : orderByMerit(results)) {
        if (results[i].objectives && best.size() < m_plan.candidates[m_rung])
            best.push_back(m_points[i]);
    }
    m_points = std::move(best);
}

} // namespace paretoscope::core
