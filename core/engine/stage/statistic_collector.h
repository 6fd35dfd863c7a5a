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
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// Values by input name and statistic id.
using StatisticValues = std::map<std::pair<std::string, std::string>, StatisticValue>;

/// Accumulates the requested statistics of one step over the samples. One accumulator per statistic and input, fed in
/// the order of the samples: the value depends neither on threads at work elsewhere nor on how many samples are in
/// memory, and the accumulators of large inputs exist once.
class StatisticCollector
{
public:
    /// Errors: Unsupported (nobody offers a requested statistic; names it).
    static core::Result<StatisticCollector> create(const std::vector<StatisticRequest>& requests,
                                                   std::span<const StatisticFactory> factories);

    /// Adds what one sample is about to read; only inputs named in `wanted` are read. Operators use all threads.
    void add(std::size_t sample, const std::vector<StepInput>& inputs,
             const std::set<std::string, std::less<>>& wanted);
    /// The values over everything added since the last call; the accumulators are given up.
    /// Errors: Numerical (an activation was not finite; names input and sample).
    core::Result<StatisticValues> finish();

private:
    core::Status requireFinite();

    std::vector<StatisticRequest> m_requests;
    std::vector<StatisticFactory> m_factories; ///< parallel to m_requests
    std::map<std::pair<std::string, std::string>, std::unique_ptr<Statistic>> m_accumulators;
    std::vector<std::pair<std::string, std::size_t>> m_places; ///< input and sample of everything added, and
    std::vector<at::Tensor> m_sums; ///< its sum, which is finite when all of it is; looked at once, in finish
};

} // namespace paretoscope::engine
