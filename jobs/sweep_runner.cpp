// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_runner.h"

#include "jobs/sweep_runner_private.h"

#include "core/base/assert.h"
#include "core/base/installation.h"
#include "jobs/command_approval.h"
#include "jobs/memory_preflight.h"
#include "jobs/pattern_preview.h"

#include <algorithm>
#include <set>

namespace paretoscope::jobs {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::TrialRecord;
using core::TrialStatus;

SweepRunner::SweepRunner(core::Sweep sweep, core::ProjectStore store, SweepOptions options, QObject* parent)
    : QObject(parent)
    , d(std::make_unique<Private>(this, std::move(sweep), std::move(store), std::move(options)))
{
    d->limit.setSingleShot(true);
    connect(&d->limit, &QTimer::timeout, this, [this] {
        d->summary.stopped = true;
        d->note("info", "time_limit", "the time limit is reached");
        d->stopWork();
    });
}

SweepRunner::~SweepRunner() = default;

core::Status SweepRunner::prepare()
{
    PSC_ASSERT(!d->isStarted, "prepare() comes before start()");
    PSC_TRY(checkOptions(d->options));
    PSC_ASSIGN(d->identity, core::identifySweep(d->sweep));
    PSC_TRY(d->store.interruptRunningTrials());
    PSC_ASSIGN(const std::vector<TrialRecord> recorded, d->store.trials());
    PSC_ASSIGN(d->prepared, prepareSweep(d->sweep, d->identity, d->options, recorded));

    if (d->prepared.plan.remaining() > 0) {
        PSC_TRY(requireApproval(commandsToRun(d->sweep, d->prepared.plan), d->options));
        PSC_TRY(requirePatternMatches(d->sweep));
    }
    PSC_TRY(requireMemory(d->prepared.plan, d->sweep.workload, d->options));
    d->counts = workerCounts(d->options); // threads must not depend on what the cards have room for
    if (d->prepared.plan.remaining() > 0) {
        PSC_ASSIGN(d->placement, placeSweep(d->prepared.plan, d->sweep.workload, d->options));
        d->counts.jobs = static_cast<int>(d->placement.devices.size());
    }
    PSC_ASSIGN(const std::vector<core::StoredArtifact> artifacts, d->store.artifacts());
    d->experience = TrialExperience(recorded, d->sweep.workload.model.filename().string());
    d->models = KeptModels(artifacts, artifactFolder(d->options, d->store.path()), d->options.artifactLimit);
    d->reporter = TrialReporter(d->sweep, d->identity, d->options.command);
    d->budget = TimeBudget(d->options.timeLimitSeconds);
    std::set<core::TrialId> ours;
    for (const core::PlannedTrial& trial : d->prepared.plan.trials)
        ours.insert(trial.id);
    for (const TrialRecord& record : recorded) {
        if (record.status == TrialStatus::Done && record.seconds > 0 && ours.contains(record.id))
            d->budget.addEarlier(record.seconds);
    }

    const std::vector<int> open = d->prepared.open();
    d->fillQueue(open);
    d->summary = {};
    d->summary.left = static_cast<int>(open.size()) - d->queue.size();
    d->recount();
    d->isPrepared = true;
    return core::success();
}

const SweepPlan& SweepRunner::plan() const
{
    return d->prepared.plan;
}

const core::Sweep& SweepRunner::sweep() const
{
    return d->sweep;
}

core::ProjectStore& SweepRunner::store()
{
    return d->store;
}

SweepSummary SweepRunner::summary() const
{
    SweepSummary summary = d->summary;
    if (d->isStarted && !d->isOver)
        summary.wallSeconds = d->elapsed();
    return summary;
}

int SweepRunner::waiting() const
{
    return d->queue.size();
}

void SweepRunner::start()
{
    PSC_ASSERT(d->isPrepared && !d->isStarted, "start() comes once, after prepare()");
    d->isStarted = true;
    d->clock.start();
    QTimer::singleShot(0, this, [this] { d->begin(); });
}

void SweepRunner::stop()
{
    if (!d->isStarted || d->isOver)
        return;
    d->summary.stopped = true;
    if (!d->isStopping)
        d->stopWork();
    else if (d->pool)
        d->pool->kill();
}

void SweepRunner::Private::begin()
{
    if (!save(recordPlan()) || queue.size() == 0 || isStopping)
        return conclude();
    note("info", "sweep_started",
         "sweep \"" + sweep.name + "\": " + std::to_string(queue.size()) + " of " + std::to_string(summary.total) +
             " trials to run");
    if (auto status = startPool(); !status.ok()) {
        summary.error = status.error();
        conclude();
    }
}

core::Status SweepRunner::Private::recordPlan()
{
    std::vector<core::TrialId> ids;
    std::vector<TrialRecord> fresh;
    for (std::size_t i = 0; i < prepared.plan.trials.size(); ++i) {
        ids.push_back(prepared.plan.trials[i].id);
        if (!prepared.recorded[i])
            fresh.push_back(reporter.queued(prepared.plan.trials[i]));
    }
    PSC_TRY(store.recordWorkload(reporter.workload()));
    PSC_TRY(store.recordSweep(sweep.name, sweep.source, ids));
    return store.recordTrials(fresh);
}

/// With these trials, as far as maxTrials goes.
void SweepRunner::Private::fillQueue(const std::vector<int>& open)
{
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    queue = TrialQueue(core::TrialTree(prepared.plan.trials, open, plugins));
    const int allowed = options.maxTrials - started;
    if (options.maxTrials == 0 || queue.size() <= allowed)
        return;
    // Which ones must not depend on the number of workers.
    std::vector<int> first;
    while (std::ssize(first) < allowed)
        first.push_back(*queue.take(0));
    queue = TrialQueue(core::TrialTree(prepared.plan.trials, first, plugins));
}

/// What the plan alone says.
void SweepRunner::Private::recount()
{
    const SweepPlan& plan = prepared.plan;
    summary.total = plan.total();
    summary.skipped = 0;
    summary.held = 0;
    for (int trial = 0; trial < plan.total(); ++trial) {
        if (ran.contains(trial))
            continue;
        summary.skipped += plan.done[std::size_t(trial)] ? 1 : 0;
        summary.held += plan.held[std::size_t(trial)] ? 1 : 0;
    }
}

core::Status SweepRunner::Private::startPool()
{
    WorkerSettings settings;
    settings.program = options.worker;
    settings.threads = counts.threads;
    settings.cache = options.cache;
    settings.cacheLimit = options.cacheLimit;
    settings.logFolder = options.logFolder;
    settings.arithmetic = options.arithmetic;
    settings.memoryBudget = options.memoryBudget;
    settings.allowsCommands = options.allowsCommands || !options.allowedCommands.empty();
    settings.niceness = options.niceness;
    settings.timings = options.timings;
    for (const std::string& remark : placement.remarks) {
        note("warn", "placement", remark);
        Q_EMIT q->remarked(QString::fromStdString(remark));
    }
    pool = std::make_unique<WorkerPool>(std::move(settings), placement.devices, counts.jobs);
    connectPool();
    PSC_TRY(pool->start(wanted()));
    if (options.timeLimitSeconds) {
        const double left = std::max(0.0, *options.timeLimitSeconds - elapsed());
        constexpr double kLongestTimer = 2'000'000; // seconds; QTimer counts milliseconds in an int
        limit.start(static_cast<int>(std::min(left, kLongestTimer) * 1000));
    }
    return core::success();
}

void SweepRunner::Private::connectPool()
{
    connect(pool.get(), &WorkerPool::workerChanged, q, [this](int worker) { tellWorker(worker); });
    connect(pool.get(), &WorkerPool::workerIdle, q, [this](int worker) { dispatch(worker); });
    connect(pool.get(), &WorkerPool::taskProgressed, q, [this](int worker, const QString& phase, int done, int total) {
        tellProgress(worker, phase, done, total);
    });
    connect(pool.get(), &WorkerPool::taskDone, q,
            [this](int worker, const Json& result) { takeResult(worker, result); });
    connect(pool.get(), &WorkerPool::taskFailed, q,
            [this](int worker, const Error& error) { takeFailure(worker, error); });
    connect(pool.get(), &WorkerPool::workerLost, q,
            [this](int worker, const WorkerLoss& loss, bool hadTask) { takeLoss(worker, loss, hadTask); });
    connect(pool.get(), &WorkerPool::workerOutgrown, q, [this](int worker, std::int64_t residentBytes) {
        note("warn", "worker_outgrown",
             "worker " + std::to_string(worker) + " still held " + std::to_string(residentBytes >> 20) +
                 " MiB after its trial, more than its budget of " + std::to_string(options.memoryBudget->value >> 20) +
                 " MiB; another one takes its place");
    });
    connect(pool.get(), &WorkerPool::exhausted, q, [this](const Error& error) {
        summary.error = error;
        mayStart = false;
        note("error", "no_worker", error.sentence());
        conclude();
    });
    connect(pool.get(), &WorkerPool::closed, q, [this] { finish(); });
}

void SweepRunner::Private::stopWork()
{
    isStopping = true;
    mayStart = false;
    if (!pool)
        return; // begin() sees it
    pool->cancelTasks();
    settle();
}

/// @return whether the project took it; otherwise the sweep ends
bool SweepRunner::Private::save(core::Status status)
{
    if (status.ok())
        return true;
    giveUp(status.error());
    return false;
}

/// Nothing more can be kept, so nothing more is computed.
void SweepRunner::Private::giveUp(const Error& error)
{
    if (isStoreBroken)
        return;
    isStoreBroken = true;
    isStopping = true;
    mayStart = false;
    summary.error = error;
    if (pool)
        pool->kill();
}

void SweepRunner::Private::note(const char* level, const char* kind, const std::string& text, const std::string& trial)
{
    if (!isStoreBroken)
        (void)store.recordEvent({utcNow(), level, kind, trial, text}); // a full disk shows at the next trial
}

void SweepRunner::Private::conclude()
{
    if (pool)
        pool->shutdown(); // `closed` follows
    else
        finish();
}

void SweepRunner::Private::finish()
{
    limit.stop();
    models.removeExtracted();
    for (const auto& [trial, record] : waiting) // the sweep ended before a second worker had time for them
        Q_EMIT q->trialFinished(record);
    isOver = true;
    summary.wallSeconds = elapsed();
    recount();
    summary.interrupted = summary.total - summary.done - summary.skipped - summary.failed - summary.held - summary.left;
    note("info", "sweep_finished",
         "sweep \"" + sweep.name + "\": " + std::to_string(summary.done) + " done, " + std::to_string(summary.failed) +
             " failed, " + std::to_string(summary.interrupted) + " interrupted");
    Q_EMIT q->finished(summary);
}

} // namespace paretoscope::jobs
