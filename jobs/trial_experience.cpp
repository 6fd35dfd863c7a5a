// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_experience.h"

namespace paretoscope::jobs {

namespace {

std::vector<std::string> pluginsOf(const core::Json& pipeline)
{
    std::vector<std::string> plugins;
    if (pipeline.is_array()) {
        for (const core::Json& stage : pipeline)
            plugins.push_back(stage.is_object() && stage.contains("plugin") && stage["plugin"].is_string()
                                  ? stage["plugin"].get<std::string>()
                                  : std::string());
    }
    return plugins;
}

std::vector<std::string> pluginsOf(const core::Pipeline& pipeline)
{
    std::vector<std::string> plugins;
    for (const core::StageSpec& stage : pipeline.stages)
        plugins.push_back(stage.plugin);
    return plugins;
}

} // namespace

TrialExperience::TrialExperience(const std::vector<core::TrialRecord>& recorded, const std::string& workload)
{
    for (const core::TrialRecord& trial : recorded) {
        if (trial.status != core::TrialStatus::Done || trial.seconds <= 0 || trial.workload != workload)
            continue;
        m_all.add(trial.seconds);
        m_byPlugins[pluginsOf(trial.pipeline)].add(trial.seconds);
    }
}

void TrialExperience::add(const core::Pipeline& pipeline, double seconds)
{
    m_all.add(seconds);
    m_byPlugins[pluginsOf(pipeline)].add(seconds);
}

std::optional<double> TrialExperience::secondsOf(const core::Pipeline& pipeline) const
{
    const auto found = m_byPlugins.find(pluginsOf(pipeline));
    const Mean& mean = found == m_byPlugins.end() ? m_all : found->second;
    return mean.count > 0 ? std::optional(mean.sum / mean.count) : std::nullopt;
}

} // namespace paretoscope::jobs
