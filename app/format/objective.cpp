// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/objective.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace paretoscope::app {

std::optional<double> Objective::valueIn(const core::TrialRecord& trial) const
{
    for (const core::MetricRecord& metric : trial.metrics) {
        if (metric.name == name && metric.protocol == protocol && metric.value && std::isfinite(*metric.value))
            return metric.value;
    }
    return std::nullopt;
}

core::Result<Objective> resolveObjective(std::span<const core::TrialRecord> trials, const std::string& text)
{
    const std::size_t at = text.find('@');
    const std::string name = text.substr(0, at);
    const std::string part = at == std::string::npos ? std::string() : text.substr(at + 1);
    std::set<std::string> names;
    std::set<std::string> protocols;
    Objective objective;
    for (const core::TrialRecord& trial : trials) {
        for (const core::MetricRecord& metric : trial.metrics) {
            names.insert(metric.name);
            if (metric.name != name || metric.protocol.find(part) == std::string::npos)
                continue;
            protocols.insert(metric.protocol);
            objective = {metric.name, metric.protocol, metric.unit, metric.minimise};
        }
    }
    if (protocols.size() == 1)
        return objective;
    if (protocols.empty()) {
        const std::vector<std::string> known(names.begin(), names.end());
        return core::Error {core::ErrorCode::InvalidArgument, "no trial has the metric \"" + text + "\"",
                            core::suggestion(name, known)};
    }
    std::string list;
    for (const std::string& protocol : protocols)
        list += (list.empty() ? "" : ", ") + name + "@" + protocol;
    return core::Error {core::ErrorCode::InvalidArgument,
                        "\"" + text + "\" was measured under " + std::to_string(protocols.size()) +
                            " protocols, which cannot be compared",
                        "choose one by a part of its id: " + list};
}

TrialFront frontOfTrials(std::span<const core::TrialRecord> trials, const Objective& x, const Objective& y)
{
    std::vector<TrialFront::Point> candidates;
    std::vector<core::ObjectivePoint> costs;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        const auto valueX = x.valueIn(trials[i]);
        const auto valueY = y.valueIn(trials[i]);
        if (trials[i].status != core::TrialStatus::Done || !valueX || !valueY)
            continue;
        candidates.push_back({i, *valueX, *valueY});
        costs.push_back({x.cost(*valueX), y.cost(*valueY)});
    }
    TrialFront front;
    std::vector<std::size_t> indices = core::frontOf(costs);
    for (const std::size_t index : indices)
        front.points.push_back(candidates[index]);
    front.dominated = candidates.size() - indices.size();
    if (costs.empty())
        return front;
    const core::ObjectivePoint reference = core::referencePointOf(costs);
    front.hypervolume = core::hypervolumeOf(costs, reference);
    front.reference = {x.cost(reference.x), y.cost(reference.y)};
    if (const auto knee = core::kneeOf(costs)) {
        const auto place = std::find(indices.begin(), indices.end(), *knee);
        if (place != indices.end())
            front.knee = static_cast<std::size_t>(place - indices.begin());
    }
    return front;
}

} // namespace paretoscope::app
