// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_log.h"

#include <algorithm>
#include <utility>

namespace paretoscope::engine {

using core::Json;

namespace {

Json toJson(const core::LayerMetricRecord& record)
{
    return {{"module", record.module},
            {"layer", record.layer},
            {"name", record.name},
            {"value", record.value ? Json(*record.value) : Json()}};
}

core::LayerMetricRecord layerMetricFromJson(const Json& json)
{
    core::LayerMetricRecord record;
    record.module = json.at("module").get<std::string>();
    record.layer = json.at("layer").get<int>();
    record.name = json.at("name").get<std::string>();
    if (!json.at("value").is_null())
        record.value = json.at("value").get<double>();
    return record;
}

} // namespace

Json logSince(const TrialLog& saved, const TrialLog& log)
{
    Json metrics = Json::array();
    for (std::size_t i = saved.layerMetrics.size(); i < log.layerMetrics.size(); ++i)
        metrics.push_back(toJson(log.layerMetrics[i]));
    Json warnings = Json::array();
    for (std::size_t i = saved.warnings.size(); i < log.warnings.size(); ++i)
        warnings.push_back(log.warnings[i]);
    Json folds = Json::object();
    for (const auto& [producer, factors] : log.folds) {
        const auto before = saved.folds.find(producer);
        if (before == saved.folds.end() || before->second != factors)
            folds[producer] = factors;
    }
    return {{"layer_metrics", std::move(metrics)},
            {"warnings", std::move(warnings)},
            {"folds", std::move(folds)},
            {"statistics_computed", log.statisticsComputed},
            {"statistics_from_cache", log.statisticsFromCache}};
}

void append(TrialLog& log, const Json& more)
{
    for (const Json& metric : more.at("layer_metrics"))
        log.layerMetrics.push_back(layerMetricFromJson(metric));
    for (const Json& warning : more.at("warnings"))
        log.warnings.push_back(warning.get<std::string>());
    for (const auto& [producer, factors] : more.at("folds").items())
        log.folds[producer] = factors.get<std::vector<float>>();
    log.statisticsComputed = more.at("statistics_computed").get<int>();
    log.statisticsFromCache = more.at("statistics_from_cache").get<int>();
}

std::vector<std::string> summarisedWarnings(const std::vector<std::string>& warnings)
{
    constexpr std::size_t listedAlone = 3;
    struct Group
    {
        std::string text;
        std::vector<std::string> modules;
    };
    std::vector<Group> groups;
    for (const std::string& warning : warnings) {
        const std::size_t colon = std::min(warning.find(": "), warning.size());
        const std::string text = warning.substr(colon);
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.text == text; });
        if (group == groups.end())
            group = groups.insert(groups.end(), {text, {}});
        group->modules.push_back(warning.substr(0, colon));
    }
    std::vector<std::string> summary;
    for (const Group& group : groups) {
        if (group.modules.size() > listedAlone) {
            summary.push_back(group.modules.front() + " and " + std::to_string(group.modules.size() - 1) + " more" +
                              group.text);
            continue;
        }
        for (const std::string& module : group.modules)
            summary.push_back(module + group.text);
    }
    return summary;
}

} // namespace paretoscope::engine
