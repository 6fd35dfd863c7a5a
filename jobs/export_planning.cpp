// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_planning.h"

#include "core/sweep/reproduce.h"

namespace paretoscope::jobs {

core::Result<core::TrialRequest> remakeTrial(const core::ProjectStore& store, const core::TrialRecord& trial,
                                             const core::PluginCatalogue& plugins, KeptModels& models)
{
    const std::string name = "trial " + trial.id.hex().substr(0, 12);
    if (trial.status != core::TrialStatus::Done)
        return core::Error {core::ErrorCode::InvalidArgument, name + " is not finished",
                            "run its sweep again, then export"};
    PSC_ASSIGN(const core::Sweep recorded, core::reproducingSweep(trial));
    // Read again, so that the stages are as the plugins of today describe them.
    PSC_ASSIGN(core::Sweep sweep, core::parseSweep(core::writeSweep(recorded), name, plugins));
    PSC_ASSIGN(core::WorkloadIdentity identity, core::identifySweep(sweep));
    const std::vector<core::PlannedTrial> planned = core::planTrials(sweep, identity);
    if (planned.size() != 1 || planned.front().id != trial.id)
        return core::Error {core::ErrorCode::InvalidArgument,
                            name + " cannot be made again: the model, the calibration data or a plugin is another one "
                                   "than when it ran",
                            "run the sweep again, then export the new trial"};
    core::TrialRequest request;
    request.id = trial.id;
    request.workload = std::move(sweep.workload);
    request.identity = std::move(identity);
    request.pipeline = planned.front().pipeline;
    request.seed = planned.front().seed;
    request.kept = models.find(trial.id, store);
    return request;
}

} // namespace paretoscope::jobs
