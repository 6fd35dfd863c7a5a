// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/statistic_collector.h"

#include "core/engine/parallel.h"

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

core::Result<StatisticValues> StatisticCollector::collect(const std::vector<std::unique_ptr<BlockPass>>& passes,
                                                          const std::set<std::string, std::less<>>& wanted) const
{
    using Accumulators = std::map<std::pair<std::string, std::string>, std::unique_ptr<Statistic>>;
    std::vector<Accumulators> perThread(sampleThreads(passes.size()));
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> badSamples(perThread.size(), none);
    forEachSample(passes.size(), [&](std::size_t thread, std::size_t sample) {
        for (const StepInput& input : passes[sample]->inputs()) {
            if (!wanted.contains(input.name) || input.value.size(0) == 0)
                continue;
            if (!input.value.sum().isfinite().item<bool>()) {
                badSamples[thread] = std::min(badSamples[thread], sample);
                continue;
            }
            for (std::size_t i = 0; i < m_requests.size(); ++i) {
                auto& accumulator = perThread[thread][{std::string(input.name), m_requests[i].id}];
                if (!accumulator)
                    accumulator = m_factories[i].make(m_requests[i].options);
                accumulator->add(input.value);
            }
        }
    });
    if (const std::size_t firstBad = *std::min_element(badSamples.begin(), badSamples.end()); firstBad != none)
        return core::Error {core::ErrorCode::Numerical,
                            "an activation of calibration sequence " + std::to_string(firstBad) + " is not finite",
                            "an earlier stage broke the model: use more bits or less sparsity before this stage"};
    StatisticValues values;
    for (std::size_t thread = 1; thread < perThread.size(); ++thread) {
        for (auto& [key, accumulator] : perThread[thread]) {
            auto& first = perThread[0][key];
            if (first)
                first->merge(*accumulator);
            else
                first = std::move(accumulator);
        }
    }
    for (const auto& [key, accumulator] : perThread[0])
        values.emplace(key, StatisticValue {accumulator->value(), accumulator->samples()});
    return values;
}

} // namespace paretoscope::engine
