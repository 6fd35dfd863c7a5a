// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_runner.h"

#include "jobs/sweep_planning.h"
#include "jobs/time_budget.h"
#include "jobs/trial_queue.h"
#include "jobs/trial_report.h"
#include "jobs/worker_pool.h"

#include "core/base/assert.h"
#include "core/sweep/trial_exchange.h"

#include <QElapsedTimer>
#include <QTimer>

#include <algorithm>
#include <map>
#include <set>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::TrialRecord;
using core::TrialStatus;

/// A trial that took two workers with it is not given a third one.
constexpr int kMaxAttempts = 2;
constexpr qint64 kProgressIntervalMilliseconds = 50;

} // namespace

struct SweepRunner::Private
{
    /// The trial a worker has.
    struct InHand
    {
        int trial = -1;
        QElapsedTimer since;
        QString phase;
        qint64 told = -kProgressIntervalMilliseconds;
    };

    Private(SweepRunner* runner, core::Sweep itsSweep, core::ProjectStore itsStore, SweepOptions itsOptions)
        : q(runner)
        , sweep(std::move(itsSweep))
        , store(std::move(itsStore))
        , options(std::move(itsOptions))
    {}

    // From start() to finished().
    void begin();
    core::Status recordBeginning();
    core::Status startPool();
    void connectPool();
    void conclude();
    void finish();

    // Trials on workers.
    void dispatch(int worker);
    void settle();
    int wanted() const;
    core::TrialRequest requestFor(int trial) const;
    void tellProgress(int worker, const QString& phase, int done, int total);
    void takeResult(int worker, const Json& result);
    void takeFailure(int worker, const Error& error);
    void takeLoss(int worker, const WorkerLoss& loss, bool hadTask);
    void retryOrEnd(const InHand& hand, const Json& loss, const Error& error, TrialStatus otherwise);
    void endTrial(int trial, TrialStatus status, const Error& error, double seconds);

    // Ends that come early.
    void stopWork();
    bool save(core::Status status);
    void giveUp(const Error& error);
    void note(const char* level, const char* kind, const std::string& text, const std::string& trial = {});

    const core::PlannedTrial& planned(int trial) const { return prepared.plan.trials[std::size_t(trial)]; }
    double elapsed() const { return double(clock.elapsed()) / 1000; }

    SweepRunner* q;
    core::Sweep sweep;
    core::ProjectStore store;
    SweepOptions options;
    WorkerCounts counts;
    core::WorkloadIdentity identity;
    PreparedSweep prepared;
    TrialReporter reporter;
    TrialQueue queue;
    TimeBudget budget;
    std::unique_ptr<WorkerPool> pool;
    std::map<int, InHand> inHand;       ///< by worker
    std::map<int, TrialCourse> courses; ///< by trial
    std::map<int, TrialRecord> waiting; ///< trials that wait for another worker, as the project has them
    QElapsedTimer clock;
    QTimer limit;
    SweepSummary summary;
    bool isPrepared = false;
    bool isStarted = false;
    bool isOver = false;
    bool mayStart = true;    ///< trials
    bool isStopping = false; ///< what is in hand was cancelled
    bool isStoreBroken = false;
};

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
    PSC_ASSIGN(d->identity, core::identifyWorkload(d->sweep.workload));
    PSC_TRY(d->store.interruptRunningTrials());
    PSC_ASSIGN(const std::vector<TrialRecord> recorded, d->store.trials());
    PSC_ASSIGN(d->prepared, prepareSweep(d->sweep, d->identity, d->options, recorded));

    d->counts = workerCounts(d->options);
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
    d->queue = TrialQueue(d->prepared.plan.trials, open);
    if (d->options.maxTrials > 0 && d->options.maxTrials < d->queue.size()) {
        // Which ones must not depend on the number of workers.
        std::vector<int> first;
        while (std::ssize(first) < d->options.maxTrials)
            first.push_back(*d->queue.take(0));
        d->queue = TrialQueue(d->prepared.plan.trials, first);
    }
    const SweepPlan& plan = d->prepared.plan;
    d->summary = {};
    d->summary.total = plan.total();
    d->summary.skipped = static_cast<int>(std::count(plan.done.begin(), plan.done.end(), true));
    d->summary.held = static_cast<int>(std::count(plan.held.begin(), plan.held.end(), true));
    d->summary.left = static_cast<int>(open.size()) - d->queue.size();
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
    if (!save(recordBeginning()) || queue.size() == 0 || isStopping)
        return conclude();
    note("info", "sweep_started",
         "sweep \"" + sweep.name + "\": " + std::to_string(queue.size()) + " of " + std::to_string(summary.total) +
             " trials to run");
    if (auto status = startPool(); !status.ok()) {
        summary.error = status.error();
        conclude();
    }
}

core::Status SweepRunner::Private::recordBeginning()
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

core::Status SweepRunner::Private::startPool()
{
    WorkerSettings settings;
    settings.program = options.worker;
    settings.threads = counts.threads;
    settings.cache = options.cache;
    settings.logFolder = options.logFolder;
    settings.memoryBudget = options.memoryBudget;
    settings.niceness = options.niceness;
    settings.timings = options.timings;
    PSC_ASSIGN(std::vector<std::string> devices, parseDevices(options.device));
    pool = std::make_unique<WorkerPool>(std::move(settings), std::move(devices), counts.jobs);
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
    connect(pool.get(), &WorkerPool::exhausted, q, [this](const Error& error) {
        summary.error = error;
        mayStart = false;
        note("error", "no_worker", error.sentence());
        conclude();
    });
    connect(pool.get(), &WorkerPool::closed, q, [this] { finish(); });
}

int SweepRunner::Private::wanted() const
{
    const int open = static_cast<int>(inHand.size()) + (mayStart ? queue.size() : 0);
    return std::min(counts.jobs, open);
}

void SweepRunner::Private::dispatch(int worker)
{
    if (mayStart && queue.size() > 0 && !budget.allowsAnother(elapsed())) {
        mayStart = false;
        summary.stopped = true;
        note("info", "time_limit", "no further trial is expected to end within the time limit");
    }
    if (!mayStart || queue.size() == 0)
        return settle();
    const int trial = *queue.take(worker);
    TrialCourse& course = courses[trial];
    waiting.erase(trial);
    course.attemptsBefore = prepared.attempts[std::size_t(trial)];
    ++course.attempts;
    course.log = nullptr;
    course.startedUtc = utcNow();
    course.worker = worker;
    course.hello = pool->hello(worker);
    if (!prepared.kept[std::size_t(trial)] && !save(store.recordTrials({reporter.running(planned(trial), course)})))
        return;
    InHand& hand = inHand[worker];
    hand.trial = trial;
    hand.since.start();
    pool->run(worker, "run_trial", core::toJson(requestFor(trial)));
    Q_EMIT q->trialStarted(planned(trial), worker);
}

core::TrialRequest SweepRunner::Private::requestFor(int trial) const
{
    core::TrialRequest request;
    request.id = planned(trial).id;
    request.workload = sweep.workload;
    request.identity = identity;
    request.pipeline = planned(trial).pipeline;
    request.seed = planned(trial).seed;
    request.measurements = prepared.missing[std::size_t(trial)];
    return request;
}

void SweepRunner::Private::tellProgress(int worker, const QString& phase, int done, int total)
{
    const auto found = inHand.find(worker);
    if (found == inHand.end())
        return;
    InHand& hand = found->second;
    const qint64 time = hand.since.elapsed();
    if (phase == hand.phase && done != total && time - hand.told < kProgressIntervalMilliseconds)
        return;
    hand.phase = phase;
    hand.told = time;
    const core::PlannedTrial& trial = planned(hand.trial);
    Q_EMIT q->trialProgressed({trial.id, QString::fromStdString(trial.pipeline.label()), worker, phase, done, total});
}

void SweepRunner::Private::takeResult(int worker, const Json& result)
{
    const InHand hand = inHand.extract(worker).mapped();
    auto outcome = core::trialOutcomeFromJson(result);
    if (!outcome.ok()) {
        endTrial(hand.trial, TrialStatus::Failed, outcome.error().withContext("result of the worker"),
                 double(hand.since.elapsed()) / 1000);
        return settle();
    }
    budget.addFinished(double(hand.since.elapsed()) / 1000);
    const TrialRecord record = reporter.done(planned(hand.trial), courses[hand.trial], std::move(outcome).value());
    if (!save(store.finishTrial(record)))
        return;
    ++summary.done;
    Q_EMIT q->trialFinished(record);
    settle();
}

void SweepRunner::Private::takeFailure(int worker, const Error& error)
{
    auto node = inHand.extract(worker);
    if (node.empty())
        return;
    const InHand hand = node.mapped();
    TrialCourse& course = courses[hand.trial];
    const Json loss {{"kind", core::errorCodeName(error.code)}, {"message", error.message}};
    if (error.code == ErrorCode::Cancelled) {
        // Unasked: somebody ended the worker. That says nothing against the trial.
        retryOrEnd(hand, loss, error, TrialStatus::Interrupted);
    } else if (error.code == ErrorCode::OutOfMemory && course.attempts < kMaxAttempts) {
        note("warn", "out_of_memory", error.message + "; tried once more on a fresh worker",
             planned(hand.trial).id.hex());
        pool->renew(worker);
        retryOrEnd(hand, loss, error, TrialStatus::Failed);
    } else {
        course.log = Json::array();
        for (const QString& line : pool->logTail(worker))
            course.log.push_back(line.toStdString());
        endTrial(hand.trial, TrialStatus::Failed, error, double(hand.since.elapsed()) / 1000);
    }
    settle();
}

void SweepRunner::Private::takeLoss(int worker, const WorkerLoss& loss, bool hadTask)
{
    auto node = inHand.extract(worker);
    const std::string trial = node.empty() ? std::string() : planned(node.mapped().trial).id.hex();
    note("warn", "worker_lost", loss.error.sentence(), trial);
    Q_EMIT q->workerLost(worker, QString::fromStdString(loss.error.message));
    if (!hadTask || node.empty())
        return;
    courses[node.mapped().trial].log = toJson(loss).at("log_tail");
    retryOrEnd(node.mapped(), toJson(loss), loss.error, TrialStatus::Failed);
    settle();
}

/// A trial without fault of its own, as far as is known, gets a second worker; after that it is `otherwise`.
void SweepRunner::Private::retryOrEnd(const InHand& hand, const Json& loss, const Error& error, TrialStatus otherwise)
{
    TrialCourse& course = courses[hand.trial];
    if (isStopping) {
        const Error stopped {ErrorCode::Cancelled, "stopped before it was finished",
                             "the same command goes on with it"};
        endTrial(hand.trial, TrialStatus::Interrupted, stopped, double(hand.since.elapsed()) / 1000);
        return;
    }
    if (course.attempts >= kMaxAttempts) {
        endTrial(hand.trial, otherwise, error, double(hand.since.elapsed()) / 1000);
        return;
    }
    const TrialRecord record = reporter.ended(planned(hand.trial), course, TrialStatus::Interrupted, error,
                                              double(hand.since.elapsed()) / 1000);
    if (!prepared.kept[std::size_t(hand.trial)] && !save(store.recordTrials({record})))
        return;
    course.losses.push_back(loss);
    waiting[hand.trial] = record;
    queue.putBack(hand.trial);
}

void SweepRunner::Private::endTrial(int trial, TrialStatus status, const Error& error, double seconds)
{
    const TrialRecord record = reporter.ended(planned(trial), courses[trial], status, error, seconds);
    if (isStoreBroken)
        return;
    const bool failed = status == TrialStatus::Failed;
    if (failed)
        note("error", "trial_failed", record.label + ": " + error.sentence(), record.id.hex());
    // A result that is there stays, even if a measurement could not be added to it.
    if (!prepared.kept[std::size_t(trial)] && !save(store.finishTrial(record)))
        return;
    summary.failed += failed ? 1 : 0;
    Q_EMIT q->trialFinished(record);
    if (failed && options.failFast && !isStopping)
        stopWork();
}

/// After a trial has ended: as many workers as are still of use, or the end of the sweep.
void SweepRunner::Private::settle()
{
    if (isOver || !pool)
        return;
    if (wanted() == 0)
        conclude();
    else
        pool->want(wanted());
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
    for (const auto& [trial, record] : waiting) // the sweep ended before a second worker had time for them
        Q_EMIT q->trialFinished(record);
    isOver = true;
    summary.wallSeconds = elapsed();
    summary.interrupted = summary.total - summary.done - summary.skipped - summary.failed - summary.held - summary.left;
    note("info", "sweep_finished",
         "sweep \"" + sweep.name + "\": " + std::to_string(summary.done) + " done, " + std::to_string(summary.failed) +
             " failed, " + std::to_string(summary.interrupted) + " interrupted");
    Q_EMIT q->finished(summary);
}

} // namespace paretoscope::jobs
