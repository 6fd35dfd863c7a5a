// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/statistic_collector.h"

#include <algorithm>

namespace paretoscope::engine {

core::Result<StatisticCollector> StatisticCollector::create(const std::vector<StatisticRequest>& requests,
                                                            std::span<const StatisticFactory> factories)
{
    StatisticCollector collector;
    for (const StatisticRequest& request : requests) {
        const auto found = std::find_if(factories.begin(), factories.end(), [&](const StatisticFactory& factory) {
            return factory.id == request.id && factory.version == request.version;
        });
        if (found == factories.end())
            return core::Error {core::ErrorCode::Unsupported,
                                "no plugin offers the statistic " + request.id + " version " +
                                    std::to_string(request.version),
                                "install the plugin that registers it, or a newer Paretoscope"};
        collector.m_requests.push_back(request);
        collector.m_factories.push_back(*found);
    }
    return collector;
}

core::Status StatisticCollector::add(std::size_t sample, const std::vector<StepInput>& inputs,
                                     const std::set<std::string, std::less<>>& wanted)
{
    for (const StepInput& input : inputs) {
        if (!wanted.contains(input.name) || input.value.size(0) == 0)
            continue;
        if (!input.value.sum().isfinite().item<bool>())
            return core::Error {core::ErrorCode::Numerical,
                                "an activation of calibration sequence " + std::to_string(sample) + " is not finite",
                                "an earlier stage broke the model: use more bits or less sparsity before this stage"};
        for (std::size_t i = 0; i < m_requests.size(); ++i) {
            auto& accumulator = m_accumulators[{std::string(input.name), m_requests[i].id}];
            if (!accumulator)
                accumulator = m_factories[i].make(m_requests[i].options);
            accumulator->add(input.value);
        }
    }
    return core::success();
}

StatisticValues StatisticCollector::finish()
{
    StatisticValues values;
    while (!m_accumulators.empty()) {
        const auto node = m_accumulators.extract(m_accumulators.begin());
        values.emplace(node.key(), StatisticValue {node.mapped()->value(), node.mapped()->samples()});
    }
    return values;
}

} // namespace paretoscope::engine
