// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_runner_private.h"

#include "core/sweep/trial_exchange.h"

#include <algorithm>

namespace paretoscope::jobs {

using core::Error;
using core::ErrorCode;
using core::Json;
using core::TrialRecord;
using core::TrialStatus;

namespace {

/// A trial that took two workers with it is not given a third one.
constexpr int kMaxAttempts = 2;
constexpr qint64 kProgressIntervalMilliseconds = 50;

} // namespace

int SweepRunner::Private::wanted() const
{
    const int open = static_cast<int>(inHand.size()) + (mayStart ? queue.size() : 0);
    // Whoever waits for the next batch keeps what is warm.
    return open > 0 && mayExtend() ? counts.jobs : std::min(counts.jobs, open);
}

void SweepRunner::Private::dispatch(int worker)
{
    if (mayStart && queue.size() > 0 && !budget.allowsAnother(elapsed())) {
        mayStart = false;
        summary.stopped = true;
        note("info", "time_limit", "no further trial is expected to end within the time limit");
    }
    if (!mayStart || queue.size() == 0) {
        if (mayExtend())
            idle.insert(worker);
        return settle();
    }
    const int trial = *queue.take(worker);
    ran.insert(trial);
    TrialCourse& course = courses[trial];
    waiting.erase(trial);
    course.attemptsBefore = prepared.attempts[std::size_t(trial)];
    started += course.attempts == 0 ? 1 : 0;
    ++course.attempts;
    course.log = nullptr;
    course.startedUtc = utcNow();
    course.expectedSeconds = experience.secondsOf(planned(trial).pipeline);
    course.worker = worker;
    course.hello = pool->hello(worker);
    course.device = pool->device(worker);
    if (!prepared.kept[std::size_t(trial)] && !save(store.recordTrials({reporter.running(planned(trial), course)})))
        return;
    InHand& hand = inHand[worker];
    hand.trial = trial;
    hand.since.start();
    pool->run(worker, "run_trial", core::toJson(requestFor(trial)));
    Q_EMIT q->trialStarted(planned(trial), worker);
}

core::TrialRequest SweepRunner::Private::requestFor(int trial)
{
    core::TrialRequest request;
    request.id = planned(trial).id;
    request.workload = sweep.workload;
    request.identity = identity;
    request.pipeline = planned(trial).pipeline;
    request.seed = planned(trial).seed;
    request.measurements = prepared.missing[std::size_t(trial)];
    request.sharedBeginnings = queue.sharedBeginnings(trial);
    // The first loss of a worker may have been for lack of memory: the second attempt is frugal.
    if (const auto course = courses.find(trial); course != courses.end())
        request.attempt = std::max(1, course->second.attempts);
    if (prepared.kept[std::size_t(trial)])
        request.kept = models.find(request.id, store);
    // An equal share for each worker, so that all together stay within the limit.
    request.artifactLimit = {models.left().value / counts.jobs};
    if (request.artifactLimit.value > 0)
        request.artifacts = models.folder();
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
    if (phase != hand.phase || done < hand.phaseFrom) { // of a further stage
        hand.phase = phase;
        hand.phaseSince = time;
        hand.phaseFrom = done;
    }
    hand.told = time;
    const core::PlannedTrial& trial = planned(hand.trial);
    TrialProgress progress {trial.id, QString::fromStdString(trial.pipeline.label()), worker, phase, done, total};
    progress.elapsedSeconds = double(time) / 1000;
    if (done > hand.phaseFrom)
        progress.phaseRemainingSeconds =
            double(time - hand.phaseSince) / 1000 * (total - done) / (done - hand.phaseFrom);
    if (const std::optional<double> expected = courses[hand.trial].expectedSeconds)
        progress.remainingSeconds =
            std::max(*expected - progress.elapsedSeconds, progress.phaseRemainingSeconds.value_or(0));
    Q_EMIT q->trialProgressed(progress);
}

void SweepRunner::Private::tellWorker(int worker)
{
    WorkerStatus status = pool->status(worker);
    if (const auto hand = inHand.find(worker); hand != inHand.end() && status.activity == WorkerActivity::Busy)
        status.trial = planned(hand->second.trial).id;
    const auto [last, isNew] = told.try_emplace(worker, status);
    if (!isNew && last->second == status)
        return;
    last->second = status;
    Q_EMIT q->workerChanged(status);
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
    experience.add(planned(hand.trial).pipeline, outcome.value().seconds);
    models.add(outcome.value().artifacts);
    const TrialRecord record = reporter.done(planned(hand.trial), courses[hand.trial], std::move(outcome).value());
    if (!save(store.finishTrial(record)))
        return;
    prepared.tried[std::size_t(hand.trial)] = true;
    summary.done += finished.insert(hand.trial).second ? 1 : 0;
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
    idle.erase(worker);
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
    prepared.tried[std::size_t(trial)] = true;
    summary.done -= static_cast<int>(finished.erase(trial)); // a measurement that was added to it
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
    const bool isBatchOver = inHand.empty() && queue.size() == 0;
    if (isBatchOver && mayExtend() && !extend())
        return;
    while (mayStart && queue.size() > 0 && !idle.empty())
        dispatch(idle.extract(idle.begin()).value());
    if (!mayExtend())
        idle.clear(); // the pool ends who is of no use
    if (wanted() == 0)
        conclude();
    else
        pool->want(wanted());
}

} // namespace paretoscope::jobs
