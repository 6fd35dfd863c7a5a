// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/statistic_collector.h"

#include "core/engine/device/transfer.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

void StatisticCollector::add(std::size_t sample, const std::vector<StepInput>& inputs,
                             const std::set<std::string, std::less<>>& wanted)
{
    for (const StepInput& input : inputs) {
        if (!wanted.contains(input.name) || input.value.size(0) == 0)
            continue;
        m_places.emplace_back(input.name, sample);
        m_sums.push_back(input.value.sum());
        for (std::size_t i = 0; i < m_requests.size(); ++i) {
            auto& accumulator = m_accumulators[{std::string(input.name), m_requests[i].id}];
            if (!accumulator)
                accumulator = m_factories[i].make(m_requests[i].options);
            accumulator->add(input.value);
        }
    }
}

core::Status StatisticCollector::requireFinite()
{
    const std::vector<std::pair<std::string, std::size_t>> places = std::exchange(m_places, {});
    const std::vector<at::Tensor> sums = std::exchange(m_sums, {});
    if (sums.empty())
        return core::success();
    const at::Tensor all = toHost(at::stack(sums));
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!std::isfinite(all.const_data_ptr<float>()[i]))
            return core::Error {core::ErrorCode::Numerical,
                                places[i].first + ": an activation of calibration sequence " +
                                    std::to_string(places[i].second) + " is not finite",
                                "check the model file; behind another stage, use more bits or less sparsity there"};
    }
    return core::success();
}

core::Result<StatisticValues> StatisticCollector::finish()
{
    PSC_TRY(requireFinite());
    StatisticValues values;
    while (!m_accumulators.empty()) {
        const auto node = m_accumulators.extract(m_accumulators.begin());
        values.emplace(node.key(), StatisticValue {node.mapped()->value(), node.mapped()->samples()});
    }
    return values;
}

} // namespace paretoscope::engine
