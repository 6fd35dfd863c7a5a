// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/reproduce.h"

#include "core/evaluation/metric_kind.h"
#include "core/sweep/trial_exchange.h"
#include "core/sweep/trial_identity.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// Parameters that name a model or files are recorded by their content; where that lay stands in the provenance.
void restorePaths(StageSpec& stage, const Json& provenance)
{
    const Json::json_pointer place("/hashes/models");
    const Json paths = provenance.contains(place) ? provenance.at(place) : Json::object();
    const auto restore = [&](Json& value) {
        const std::string text = value.is_string() ? value.get<std::string>() : std::string();
        if (!text.starts_with(kModelContent) || !paths.is_object())
            return false;
        const auto path = paths.find(text.substr(kModelContent.size()));
        if (path == paths.end() || !path->is_string())
            return false;
        value = *path;
        return true;
    };
    for (auto& [name, value] : stage.parameters.items()) {
        const bool isPath = value.is_array() ? std::count_if(value.begin(), value.end(), restore) > 0 : restore(value);
        if (isPath)
            stage.models.push_back(name);
    }
}

} // namespace

Result<Sweep> reproducingSweep(const TrialRecord& trial)
{
    const std::string name = "trial " + trial.id.hex().substr(0, 12);
    const auto workload = trial.provenance.is_object() ? trial.provenance.find("workload") : trial.provenance.end();
    if (workload == trial.provenance.end())
        return Error {ErrorCode::NotFound, name + " does not say which calibration and evaluation it had",
                      "the project's sweeps hold the files they were run from"};
    Sweep sweep;
    sweep.name = "trial-" + trial.id.hex().substr(0, 12);
    const auto spec = workloadSpecFromJson(*workload);
    if (!spec.ok())
        return spec.error().withContext(name);
    sweep.workload = spec.value();
    auto pipeline = pipelineFromJson(trial.pipeline);
    if (!pipeline.ok())
        return pipeline.error().withContext(name);
    for (StageSpec& stage : pipeline.value().stages) {
        restorePaths(stage, trial.provenance);
        stage.given = stage.parameters; // all of them: a default may change
    }
    sweep.pipelines.push_back(std::move(pipeline).value());
    sweep.driver = {{"grid", Json::object()}};
    if (!sweep.workload.evaluate.empty()) {
        PSC_ASSIGN(const MetricKind* kind, findMetricKind(sweep.workload.evaluate.front().name));
        sweep.objectives.emplace_back(kind->records.front());
    }
    sweep.objectives.emplace_back("stored_bytes");
    sweep.seed = trial.seed;
    return sweep;
}

} // namespace paretoscope::core
