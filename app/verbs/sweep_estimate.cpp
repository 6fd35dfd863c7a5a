// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_estimate.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "core/project/project_store.h"
#include "jobs/kept_models.h"
#include "jobs/memory_preflight.h"
#include "jobs/sweep_planning.h"
#include "jobs/trial_experience.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace paretoscope::app {

namespace {

constexpr std::int64_t kProjectBytesPerTrial = 64 * 1024; ///< metrics, layer metrics and provenance of one trial

core::Result<Recorded> recordedIn(const std::string& project)
{
    if (isShardName(project))
        return recordedInShard(project);
    std::error_code ignored;
    if (!std::filesystem::exists(project, ignored))
        return Recorded();
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    Recorded recorded;
    PSC_ASSIGN(recorded.trials, store.trials());
    PSC_ASSIGN(recorded.artifacts, store.artifacts());
    return recorded;
}

/// What is done for an open trial, as a person says it.
std::string stateText(const SweepEstimate::Trial& trial)
{
    if (!trial.measuresOnly)
        return trial.status;
    return trial.model.empty() ? "open: compressed again, its model was not kept"
                               : "open: measured from the " + trial.model + " model";
}

core::Json document(const SweepEstimate& estimate, const std::string& project)
{
    core::Json trials = core::Json::array();
    for (const SweepEstimate::Trial& trial : estimate.trials)
        trials.push_back({{"id", trial.planned.id.hex()},
                          {"pipeline", trial.planned.pipeline.label()},
                          {"seed", trial.planned.seed},
                          {"status", trial.status},
                          {"measures_only", trial.measuresOnly},
                          {"model", trial.model.empty() ? core::Json(nullptr) : core::Json(trial.model)},
                          {"estimated_seconds", trial.seconds ? core::Json(*trial.seconds) : core::Json(nullptr)},
                          {"estimated_memory_bytes", trial.memory.peak.value},
                          {"estimated_scratch_bytes", trial.memory.scratch.value}});
    return {{"schema", "paretoscope.estimate/1"},
            {"sweep", estimate.sweep},
            {"project", project},
            {"total", estimate.trials.size()},
            {"done", estimate.done},
            {"held", estimate.held},
            {"remaining", estimate.open},
            {"workers", estimate.workers.jobs},
            {"threads_per_worker", estimate.workers.threads},
            {"estimated_seconds", estimate.seconds ? core::Json(*estimate.seconds) : core::Json(nullptr)},
            {"estimated_memory_bytes_per_worker", estimate.memory.value},
            {"estimated_scratch_bytes_per_worker", estimate.scratch.value},
            {"estimated_disk_bytes", estimate.diskBytes},
            {"trials", trials}};
}

void print(const SweepEstimate& estimate, Console& console)
{
    TextTable table({{"pipeline", false, true}, {"state"}, {"about", true}, {"memory", true}});
    for (const SweepEstimate::Trial& trial : estimate.trials)
        table.addRow({trial.planned.pipeline.label(), stateText(trial), trial.seconds ? duration(*trial.seconds) : "-",
                      binaryBytes(trial.memory.peak.value)},
                     trial.status == "done" ? Emphasis::Faint : Emphasis::None);
    console.write(table.text(console.outStream()));
    std::string line = counted(static_cast<std::int64_t>(estimate.trials.size()), "trial") + ": " +
                       std::to_string(estimate.open) + " to run, " + std::to_string(estimate.done) + " done";
    if (estimate.held > 0)
        line += ", " + std::to_string(estimate.held) + " failed or interrupted earlier (see --retry)";
    console.line(line);
    if (estimate.open == 0)
        return;
    const std::string time = estimate.seconds ? "about " + duration(*estimate.seconds)
                                              : std::string("an unknown time (nothing like it has run yet)");
    console.line("this takes " + time + " on " + counted(estimate.workers.jobs, "worker") + " with " +
                 counted(estimate.workers.threads, "thread") + " each, about " + binaryBytes(estimate.memory.value) +
                 " of memory per worker and " + decimalBytes(estimate.diskBytes) + " of disk" +
                 (estimate.scratch.value > 0
                      ? ", and meanwhile " + decimalBytes(estimate.scratch.value) + " of scratch files per worker"
                      : ""));
}

} // namespace

core::Result<SweepEstimate> estimateSweep(const core::Sweep& sweep, const jobs::SweepOptions& options,
                                          const std::string& project, const Recorded& recorded)
{
    PSC_ASSIGN(const core::WorkloadIdentity identity, core::identifySweep(sweep));
    PSC_ASSIGN(const jobs::PreparedSweep prepared, jobs::prepareSweep(sweep, identity, options, recorded.trials));
    PSC_ASSIGN(const auto preflight, jobs::MemoryPreflight::create(sweep.workload, options));
    PSC_TRY(jobs::requireMemory(prepared.plan, sweep.workload, options));
    SweepEstimate estimate;
    estimate.sweep = sweep.name;
    estimate.workers = jobs::workerCounts(options);
    const jobs::KeptModels models(recorded.artifacts, jobs::artifactFolder(options, project), options.artifactLimit);
    const jobs::TrialExperience experience(recorded.trials, sweep.workload.model.filename().string());
    double seconds = 0;
    bool known = true;
    for (std::size_t i = 0; i < prepared.plan.trials.size(); ++i) {
        SweepEstimate::Trial trial {.planned = prepared.plan.trials[i],
                                    .status = "open",
                                    .measuresOnly = false,
                                    .model = {},
                                    .seconds = std::nullopt,
                                    .memory = preflight.estimate(prepared.plan.trials[i].pipeline)};
        if (prepared.plan.done[i]) {
            trial.status = "done";
            ++estimate.done;
        } else if (prepared.plan.held[i]) {
            trial.status = "held";
            ++estimate.held;
        } else {
            ++estimate.open;
            trial.measuresOnly = prepared.kept[i] && !trial.planned.pipeline.stages.empty();
            if (trial.measuresOnly)
                trial.model = models.placeOf(trial.planned.id);
            trial.seconds = experience.secondsOf(trial.planned.pipeline);
            known = known && trial.seconds;
            seconds += trial.seconds.value_or(0);
            estimate.memory = std::max(estimate.memory, trial.memory.peak);
            estimate.scratch = std::max(estimate.scratch, trial.memory.scratch);
        }
        estimate.trials.push_back(std::move(trial));
    }
    if (known)
        estimate.seconds = seconds / std::clamp(estimate.open, 1, estimate.workers.jobs);
    estimate.diskBytes = estimate.open * kProjectBytesPerTrial;
    return estimate;
}

Outcome printEstimate(const SweepArguments& arguments, Session& session)
{
    const auto options = arguments.options(session);
    if (!options.ok())
        return {options.error(), ErrorSource::Arguments};
    PSC_ASSIGN(const core::Sweep sweep, arguments.readSweep(session));
    const auto recorded = recordedIn(arguments.project());
    if (!recorded.ok())
        return {recorded.error(), ErrorSource::Project};
    PSC_ASSIGN(const SweepEstimate estimate,
               estimateSweep(sweep, options.value(), arguments.project(), recorded.value()));
    if (session.common.json)
        session.console.document(document(estimate, arguments.project()));
    else
        print(estimate, session.console);
    return ExitStatus::Done;
}

} // namespace paretoscope::app
