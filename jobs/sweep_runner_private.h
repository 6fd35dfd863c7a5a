// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/device_placement.h"
#include "jobs/kept_models.h"
#include "jobs/sweep_planning.h"
#include "jobs/sweep_runner.h"
#include "jobs/time_budget.h"
#include "jobs/trial_experience.h"
#include "jobs/trial_queue.h"
#include "jobs/trial_report.h"
#include "jobs/worker_pool.h"

#include <QElapsedTimer>
#include <QTimer>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace paretoscope::jobs {

/// A sweep from start() to finished(): sweep_runner.cpp begins and ends it, sweep_trials.cpp brings the trials to the
/// workers and their results into the project, sweep_batches.cpp goes on where a driver chooses by results.
struct SweepRunner::Private
{
    /// The trial a worker has.
    struct InHand
    {
        int trial = -1;
        QElapsedTimer since;
        QString phase;
        qint64 phaseSince = 0; ///< milliseconds after `since`
        int phaseFrom = 0;     ///< how much of it was done then
        qint64 told = -1;      ///< when progress was last passed on; -1: not yet
    };

    Private(SweepRunner* runner, core::Sweep itsSweep, core::ProjectStore itsStore, SweepOptions itsOptions)
        : q(runner)
        , sweep(std::move(itsSweep))
        , store(std::move(itsStore))
        , options(std::move(itsOptions))
    {}

    // From start() to finished().
    void begin();
    core::Status recordPlan();
    void fillQueue(const std::vector<int>& open);
    void recount();
    core::Status startPool();
    void connectPool();
    void conclude();
    void finish();

    // Trials on workers.
    void dispatch(int worker);
    void settle();
    int wanted() const;
    bool mayExtend() const;
    bool extend();
    core::TrialRequest requestFor(int trial);
    void tellProgress(int worker, const QString& phase, int done, int total);
    void tellWorker(int worker);
    void takeResult(int worker, const core::Json& result);
    void takeFailure(int worker, const core::Error& error);
    void takeLoss(int worker, const WorkerLoss& loss, bool hadTask);
    void retryOrEnd(const InHand& hand, const core::Json& loss, const core::Error& error, core::TrialStatus otherwise);
    void endTrial(int trial, core::TrialStatus status, const core::Error& error, double seconds);

    // Ends that come early.
    void stopWork();
    bool save(core::Status status);
    void giveUp(const core::Error& error);
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
    Placement placement;
    TrialReporter reporter;
    TrialQueue queue;
    TimeBudget budget;
    KeptModels models;
    TrialExperience experience;
    std::unique_ptr<WorkerPool> pool;
    std::map<int, InHand> inHand;             ///< by worker
    std::map<int, WorkerStatus> told;         ///< by worker, as last passed on
    std::map<int, TrialCourse> courses;       ///< by trial
    std::set<int> idle;                       ///< workers that wait for the next batch of an adaptive sweep
    std::set<int> ran;                        ///< trials that this run has given to a worker
    std::set<int> finished;                   ///< those of them that count in summary.done
    int started = 0;                          ///< first attempts; in a later batch a trial may have another one
    std::map<int, core::TrialRecord> waiting; ///< trials that wait for another worker, as the project has them
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

} // namespace paretoscope::jobs
