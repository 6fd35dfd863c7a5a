// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/reproduce.h"

#include "core/evaluation/metric_kind.h"
#include "core/sweep/trial_exchange.h"

namespace paretoscope::core {

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
    for (StageSpec& stage : pipeline.value().stages)
        stage.given = stage.parameters; // all of them: a default may change
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
