// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_estimate.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "app/verbs/shard_session.h"
#include "core/project/project_store.h"
#include "jobs/memory_preflight.h"
#include "jobs/sweep_planning.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace paretoscope::app {

namespace {

constexpr std::int64_t kProjectBytesPerTrial = 64 * 1024; ///< metrics, layer metrics and provenance of one trial

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

/// How long trials took: those with the same plugins, else any.
class Experience
{
public:
    Experience(const std::vector<core::TrialRecord>& recorded, const std::string& workload)
    {
        for (const core::TrialRecord& trial : recorded) {
            if (trial.status != core::TrialStatus::Done || trial.seconds <= 0 || trial.workload != workload)
                continue;
            m_all.add(trial.seconds);
            m_byPlugins[pluginsOf(trial.pipeline)].add(trial.seconds);
        }
    }

    std::optional<double> secondsOf(const core::Pipeline& pipeline) const
    {
        const auto found = m_byPlugins.find(pluginsOf(pipeline));
        const Mean& mean = found == m_byPlugins.end() ? m_all : found->second;
        return mean.count > 0 ? std::optional(mean.sum / mean.count) : std::nullopt;
    }

private:
    struct Mean
    {
        double sum = 0;
        int count = 0;
        void add(double value)
        {
            sum += value;
            ++count;
        }
    };

    Mean m_all;
    std::map<std::vector<std::string>, Mean> m_byPlugins;
};

core::Result<std::vector<core::TrialRecord>> recordedTrials(const std::string& project)
{
    std::error_code ignored;
    if (!std::filesystem::exists(project, ignored))
        return std::vector<core::TrialRecord> {};
    if (isShardName(project))
        return trialsOfShard(project);
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    return store.trials();
}

core::Json document(const SweepEstimate& estimate, const std::string& project)
{
    core::Json trials = core::Json::array();
    for (const SweepEstimate::Trial& trial : estimate.trials)
        trials.push_back({{"id", trial.planned.id.hex()},
                          {"pipeline", trial.planned.pipeline.label()},
                          {"seed", trial.planned.seed},
                          {"status", trial.status},
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
        table.addRow({trial.planned.pipeline.label(), trial.status, trial.seconds ? duration(*trial.seconds) : "-",
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
                                          const std::vector<core::TrialRecord>& recorded)
{
    PSC_ASSIGN(const core::WorkloadIdentity identity, core::identifyWorkload(sweep.workload));
    PSC_ASSIGN(const jobs::PreparedSweep prepared, jobs::prepareSweep(sweep, identity, options, recorded));
    PSC_ASSIGN(const auto preflight, jobs::MemoryPreflight::create(sweep.workload, options));
    PSC_TRY(jobs::requireMemory(prepared.plan, sweep.workload, options));
    SweepEstimate estimate;
    estimate.sweep = sweep.name;
    estimate.workers = jobs::workerCounts(options);
    const Experience experience(recorded, sweep.workload.model.filename().string());
    double seconds = 0;
    bool known = true;
    for (std::size_t i = 0; i < prepared.plan.trials.size(); ++i) {
        SweepEstimate::Trial trial {.planned = prepared.plan.trials[i],
                                    .status = "open",
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
    const auto recorded = recordedTrials(arguments.project());
    if (!recorded.ok())
        return {recorded.error(), ErrorSource::Project};
    PSC_ASSIGN(const SweepEstimate estimate, estimateSweep(sweep, options.value(), recorded.value()));
    if (session.common.json)
        session.console.document(document(estimate, arguments.project()));
    else
        print(estimate, session.console);
    return ExitStatus::Done;
}

} // namespace paretoscope::app
