// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/event_loop.h"
#include "app/verbs/progress_option.h"
#include "app/verbs/shard_session.h"
#include "app/verbs/slurm_arguments.h"
#include "app/verbs/slurm_session.h"
#include "app/verbs/sweep_estimate.h"
#include "app/verbs/sweep_report.h"
#include "app/verbs/sweep_session.h"
#include "core/project/project_store.h"
#include "jobs/command_approval.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

namespace paretoscope::app {

namespace {

/// The trials of the plan as the project has them, in the plan's order.
core::Result<std::vector<core::TrialRecord>> trialsOfPlan(const jobs::SweepPlan& plan, const core::ProjectStore& store)
{
    PSC_ASSIGN(std::vector<core::TrialRecord> recorded, store.trials());
    std::map<core::TrialId, core::TrialRecord*> byId;
    for (core::TrialRecord& trial : recorded)
        byId[trial.id] = &trial;
    std::vector<core::TrialRecord> trials;
    for (const core::PlannedTrial& planned : plan.trials) {
        if (const auto found = byId.find(planned.id); found != byId.end())
            trials.push_back(std::move(*found->second));
    }
    return trials;
}

/// Whether work is left that the same command would do.
ExitStatus statusOf(const SweepReport& report)
{
    const jobs::SweepSummary& summary = report.summary;
    if (summary.stopped && summary.interrupted > 0)
        return ExitStatus::Stopped;
    const bool anyFailed = std::any_of(report.trials.begin(), report.trials.end(), [](const core::TrialRecord& trial) {
        return trial.status == core::TrialStatus::Failed;
    });
    return anyFailed || summary.failed > 0 ? ExitStatus::SomeTrialsFailed : ExitStatus::Done;
}

class RunVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_arguments.declare(options);
        options.flag("--dry-run", m_dryRun, "Only tell what would run, as estimate does.");
        options.flag("--json-lines", m_jsonLines, "Print one JSON document a line for every event, as it happens.");
        options
            .choice("--durability", m_durability, {"power", "kill"},
                    "What a finished trial survives: power, also a power cut (waits for the disk after each trial), or "
                    "kill, the end of any process only.")
            .defaultText = m_durability;
        m_slurm.declare(options);
        m_progress.declare(options);
    }

    Outcome run(Session& session) override
    {
        if (m_dryRun)
            return printEstimate(m_arguments, session);
        session.common.jsonLines = m_jsonLines;
        if (session.common.json && m_jsonLines)
            return Outcome::usage("--json and --json-lines exclude each other", "give one of them");
        auto options = m_arguments.options(session);
        if (!options.ok())
            return {options.error(), ErrorSource::Arguments};
        StopSignals signals;
        PSC_ASSIGN(core::Sweep sweep, m_arguments.readSweep(session));
        const EventLoopGuard application;
        if (m_arguments.usesSlurm())
            return runOnSlurm(std::move(sweep), std::move(options).value(), signals, session);
        std::filesystem::path project = m_arguments.project();
        if (isShardName(m_arguments.project())) {
            auto shard = ShardSession::open(m_arguments.project());
            if (!shard.ok())
                return {shard.error(), ErrorSource::Project};
            m_shard = std::move(shard).value();
            for (const core::Error& error : m_shard->leftOut())
                session.console.note("left out: " + error.sentence());
            project = m_shard->project();
            options.value().artifacts = core::artifactFolderOf(m_arguments.project());
            options.value().artifactLimit.value /= options.value().shardCount; // of all shards together
        }
        std::error_code ignored;
        const bool isNew = !std::filesystem::exists(project, ignored);
        auto store = core::ProjectStore::open(project, core::OpenMode::Create);
        if (!store.ok())
            return {store.error(), ErrorSource::Project};
        if (m_durability == "kill")
            store.value().setDurability(core::Durability::ProcessKill);
        const Outcome outcome =
            runSweep(std::move(sweep), std::move(store).value(), std::move(options).value(), signals, session);
        if (isNew && outcome.error())
            removeIfEmpty();
        return outcome;
    }

private:
    Outcome runSweep(core::Sweep sweep, core::ProjectStore store, jobs::SweepOptions options, StopSignals& signals,
                     Session& session)
    {
        const auto worker = jobs::workerProgram(options.worker);
        if (worker.ok())
            options.worker = worker.value();
        jobs::SweepRunner runner(std::move(sweep), std::move(store), std::move(options));
        PSC_TRY(runner.prepare());
        for (const jobs::SweepCommand& command : jobs::commandsToRun(runner.sweep(), runner.plan()))
            session.console.note("runs " + command.line);
        if (runner.plan().remaining() > 0 && !worker.ok())
            return {worker.error(), ErrorSource::Installation};
        if (m_shard)
            m_shard->follow(runner);
        SweepSession run(runner, session, m_progress.mode());
        const jobs::SweepSummary summary = run.run(signals);
        if (run.killedBy())
            return Outcome::killedBy(*run.killedBy());
        if (!summary.error && m_shard && m_shard->error())
            return {*m_shard->error(), ErrorSource::Work};
        return report(runner.sweep(), runner.plan(), summary, runner.store(), session);
    }

    Outcome runOnSlurm(core::Sweep sweep, jobs::SweepOptions options, StopSignals& signals, Session& session)
    {
        if (isShardName(m_arguments.project()))
            return Outcome::usage("--executor slurm needs a project (*.pscope), not a shard",
                                  "it gives the nodes shards of their own");
        jobs::SlurmSweep slurm(std::move(sweep), m_slurm.settings(m_arguments.project(), std::move(options), session));
        if (const core::Status prepared = slurm.prepare(); !prepared.ok())
            return {prepared.error(), ErrorSource::Project};
        SlurmSession run(slurm, session, m_progress.mode());
        const jobs::SweepSummary summary = run.run(signals);
        if (run.killedBy())
            return Outcome::killedBy(*run.killedBy());
        const auto store = core::ProjectStore::open(m_arguments.project(), core::OpenMode::ReadOnly);
        if (!store.ok())
            return {store.error(), ErrorSource::Project};
        return report(slurm.sweep(), slurm.plan(), summary, store.value(), session);
    }

    Outcome report(const core::Sweep& sweep, const jobs::SweepPlan& plan, const jobs::SweepSummary& summary,
                   const core::ProjectStore& store, Session& session) const
    {
        SweepReport report;
        report.summary = summary;
        report.sweep = sweep.name;
        report.project = m_arguments.project();
        report.objectives = sweep.objectives;
        auto trials = trialsOfPlan(plan, store);
        if (!trials.ok())
            return {trials.error(), ErrorSource::Project};
        report.trials = std::move(trials).value();
        if (summary.error)
            return {*summary.error, ErrorSource::Work};
        if (session.common.json)
            session.console.document(reportJson(report));
        else if (!session.common.jsonLines)
            printReport(report, session.console);
        return statusOf(report);
    }

    /// A refused sweep leaves no empty project behind.
    void removeIfEmpty() const
    {
        {
            const auto store = core::ProjectStore::open(m_arguments.project(), core::OpenMode::ReadOnly);
            if (!store.ok())
                return;
            const auto trials = store.value().trials();
            if (!trials.ok() || !trials.value().empty())
                return;
        }
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(m_arguments.project() + suffix, ignored);
    }

    SweepArguments m_arguments;
    std::unique_ptr<ShardSession> m_shard; ///< where the run records into a shard
    ProgressOption m_progress;
    SlurmArguments m_slurm;
    std::string m_durability = "power";
    bool m_dryRun = false;
    bool m_jsonLines = false;
};

} // namespace

VerbEntry runVerb()
{
    return {
        .name = "run",
        .summary = "run a sweep and record it in a project (also: --batch SWEEP)",
        .usage = "SWEEP --project FILE [options]",
        .description =
            "Runs the trials of a sweep that the project does not hold yet, on worker processes, and prints a table "
            "of all of them. Every finished trial is safe in the project at once. The same command again goes on "
            "where it stopped, and does nothing when all is done. Ctrl+C stops after the layer in hand (exit "
            "status 75), twice stops at once. On a cluster each element of an array gives --project a shard of its "
            "own, results/NAME.psl; merge unites them. --executor slurm submits the array, merges while it runs, and "
            "finds it again when it is started anew: Ctrl+C ends the array, any other signal this program alone.\n"
            "  paretoscope run sweep.yaml --project results.pscope\n"
            "  paretoscope --batch sweep.yaml --project results.pscope --jobs 2 --time-limit 3h50m\n"
            "  paretoscope run sweep.yaml --project results.pscope --executor slurm --slurm-script sweep.sbatch",
        .make = makeVerb<RunVerb>};
}

} // namespace paretoscope::app
