// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/stage.h"
#include "core/engine/plugin/workload.h"

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Values by input name and statistic id.
using StatisticValues = std::map<std::pair<std::string, std::string>, StatisticValue>;

/// Accumulates the requested statistics of one step over all samples.
class StatisticCollector
{
public:
    /// Errors: Unsupported (nobody offers a requested statistic; names it).
    static core::Result<StatisticCollector> create(const std::vector<StatisticRequest>& requests,
                                                   std::span<const StatisticFactory> factories);

    /// The current step of every pass; only inputs named in `wanted` are read. Parallel over samples.
    /// Errors: Numerical (an activation that is not finite; names input and sample).
    core::Result<StatisticValues> collect(const std::vector<std::unique_ptr<BlockPass>>& passes,
                                          const std::set<std::string, std::less<>>& wanted) const;

private:
    std::vector<StatisticRequest> m_requests;
    std::vector<StatisticFactory> m_factories; ///< parallel to m_requests
};

} // namespace paretoscope::engine
