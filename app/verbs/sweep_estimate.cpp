// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_estimate.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "core/project/project_store.h"
#include "jobs/command_approval.h"
#include "jobs/kept_models.h"
#include "jobs/memory_preflight.h"
#include "jobs/sweep_planning.h"
#include "jobs/trial_experience.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace paretoscope::app {

namespace {

constexpr std::int64_t kProjectBytesPerTrial = 64 * 1024; ///< metrics, layer metrics and provenance of one trial

core::Result<Recorded> recordedInFile(const std::string& project)
{
    if (isShardName(project))
        return recordedInShard(project);
    std::error_code ignored;
    if (!std::filesystem::exists(project, ignored))
        return Recorded();
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    return recordedIn(store);
}

/// What is done for an open trial, as a person says it.
std::string stateText(const SweepEstimate::Trial& trial)
{
    if (!trial.measuresOnly)
        return trial.status;
    return trial.model.empty() ? "open: compressed again, its model was not kept"
                               : "open: measured from the " + trial.model + " model";
}

/// What a node stands for, as the pipeline up to there.
std::string pipelineAt(const SweepEstimate& estimate, const core::TrialTree::Node& node)
{
    const int trial = estimate.shared.tree.order()[std::size_t(node.firstTrial)];
    core::Pipeline pipeline = estimate.trials[std::size_t(trial)].planned.pipeline;
    pipeline = pipeline.beginning(std::size_t(node.steps));
    return pipeline.label();
}

core::Json treeDocument(const SweepEstimate& estimate)
{
    const core::TrialTree& tree = estimate.shared.tree;
    core::Json nodes = core::Json::array();
    for (std::size_t i = 0; i < tree.nodes().size(); ++i) {
        const core::TrialTree::Node& node = tree.nodes()[i];
        core::Json json {{"kind", core::trialTreeKindName(node.kind)},
                         {"pipeline", pipelineAt(estimate, node)},
                         {"parent", node.parent < 0 ? core::Json(nullptr) : core::Json(node.parent)},
                         {"trials", node.trials},
                         {"cached", bool(estimate.shared.cached[i])}};
        if (node.kind == core::TrialTree::Kind::Statistics) {
            json["statistics"] = node.label;
            json["same_as"] = node.same;
        }
        if (node.kind == core::TrialTree::Kind::Measurements)
            json["id"] = estimate.trials[std::size_t(tree.order()[std::size_t(node.firstTrial)])].planned.id.hex();
        nodes.push_back(std::move(json));
    }
    return nodes;
}

core::Json selectionsDocument(const SweepEstimate& estimate)
{
    core::Json selections = core::Json::array();
    for (const jobs::PatternPreview::Selection& selection : estimate.selections)
        selections.push_back({{"stages", selection.stages}, {"modules", selection.modules}});
    return selections;
}

/// Which weights stages take: what a pattern matches is seen before hours are spent on it.
void printSelections(const SweepEstimate& estimate, Console& console)
{
    if (estimate.selections.empty())
        return;
    TextTable table({{"stage", false, true}, {"weights", true}, {"which", false, true}});
    for (const jobs::PatternPreview::Selection& selection : estimate.selections) {
        std::string count = std::to_string(selection.modules.size()) + " of " + std::to_string(estimate.modules);
        std::string stage = selection.stages;
        for (const std::string& path : jobs::summarised(selection.modules))
            table.addRow({std::exchange(stage, ""), std::exchange(count, ""), path});
    }
    console.write(table.text(console.outStream()));
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
            {"driver", estimate.driver},
            {"further_trials", estimate.isAdaptive},
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
            {"trials", trials},
            {"tree", treeDocument(estimate)},
            {"selections", selectionsDocument(estimate)},
            {"commands", estimate.commands}};
}

void addTrial(TextTable& table, const SweepEstimate::Trial& trial, const std::string& name, const std::string& state)
{
    table.addRow({name, state, trial.seconds ? duration(*trial.seconds) : "-", binaryBytes(trial.memory.peak.value)},
                 trial.status == "done" ? Emphasis::Faint : Emphasis::None);
}

/// "open", "cached", "shared by 3".
std::string stateOf(const SweepEstimate& estimate, int number)
{
    const core::TrialTree::Node& node = estimate.shared.tree.nodes()[std::size_t(number)];
    const bool isTrial = node.kind == core::TrialTree::Kind::Measurements;
    std::string state = isTrial ? "open" : estimate.shared.cached[std::size_t(number)] ? "cached" : "";
    if (!isTrial && node.trials > 1)
        state += (state.empty() ? "" : ", ") + std::string("shared by ") + std::to_string(node.trials);
    return state.empty() ? "open" : state;
}

/// The open trials beneath what they share. A stage and the measurements that follow it at once are one row.
void addTree(TextTable& table, const SweepEstimate& estimate)
{
    const auto& nodes = estimate.shared.tree.nodes();
    for (int i = 1; i < static_cast<int>(nodes.size()); ++i) {
        const core::TrialTree::Node& node = nodes[std::size_t(i)];
        const std::string indent(std::size_t(node.depth - 1) * 2, ' ');
        const bool isTrial = node.kind == core::TrialTree::Kind::Measurements;
        const bool endsHere = node.kind == core::TrialTree::Kind::Stage &&
                              nodes[std::size_t(i + 1)].kind == core::TrialTree::Kind::Measurements;
        const int trial = estimate.shared.tree.order()[std::size_t(node.firstTrial)];
        const SweepEstimate::Trial& first = estimate.trials[std::size_t(trial)];
        if (isTrial || endsHere)
            addTrial(table, first, indent + pipelineAt(estimate, node),
                     first.measuresOnly ? stateText(first) : stateOf(estimate, i));
        else if (node.kind == core::TrialTree::Kind::Statistics)
            table.addRow({indent + "[" + node.label + " of the original model]",
                          node.same == i ? stateOf(estimate, i) : "as above", "", ""});
        else
            table.addRow({indent + "[" + pipelineAt(estimate, node) + "]", stateOf(estimate, i), "", ""});
        i += endsHere ? 1 : 0;
    }
}

void print(const SweepEstimate& estimate, Console& console)
{
    TextTable table({{"pipeline", false, true}, {"state"}, {"about", true}, {"memory", true}});
    for (const SweepEstimate::Trial& trial : estimate.trials) {
        if (trial.status != "open")
            addTrial(table, trial, trial.planned.pipeline.label(), stateText(trial));
    }
    addTree(table, estimate);
    console.write(table.text(console.outStream()));
    printSelections(estimate, console);
    for (const std::string& command : estimate.commands)
        console.line("runs " + command + " (only with --allow-external)");
    std::string line = counted(static_cast<std::int64_t>(estimate.trials.size()), "trial") + ": " +
                       std::to_string(estimate.open) + " to run, " + std::to_string(estimate.done) + " done";
    if (estimate.held > 0)
        line += ", " + std::to_string(estimate.held) + " failed or interrupted earlier (see --retry)";
    console.line(line);
    if (estimate.isAdaptive)
        console.line("driver " + estimate.driver + " chooses further trials when the open ones are measured");
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
    if (prepared.plan.remaining() > 0)
        PSC_TRY(jobs::requirePatternMatches(sweep));
    PSC_TRY(jobs::requireMemory(prepared.plan, sweep.workload, options));
    SweepEstimate estimate;
    PSC_ASSIGN(const auto patterns, jobs::PatternPreview::create(sweep.workload));
    std::vector<core::Pipeline> open;
    for (const int trial : prepared.open())
        open.push_back(prepared.plan.trials[std::size_t(trial)].pipeline);
    PSC_ASSIGN(estimate.selections, patterns.selections(open));
    estimate.modules = patterns.modules();
    for (const jobs::SweepCommand& command : jobs::commandsToRun(sweep, prepared.plan))
        estimate.commands.push_back(command.line);
    estimate.sweep = sweep.name;
    estimate.driver = core::kindOf(sweep.driver).name;
    estimate.isAdaptive = prepared.search != nullptr;
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
    estimate.shared = jobs::sharedWork(sweep, identity, prepared, options);
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
    const auto recorded = recordedInFile(arguments.project());
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
