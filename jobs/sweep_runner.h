// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/plugin/manifest.h"
#include "core/project/project_store.h"
#include "core/sweep/sweep.h"
#include "jobs/worker_settings.h"
#include "jobs/worker_status.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

enum class RetryPolicy
{
    Failed,
    Interrupted,
    None
};

/// How a sweep is run; what is run stands in the sweep file.
struct SweepOptions
{
    int jobs = 0;                       ///< workers; 0 = two on a machine with at least two cores
    int threads = 0;                    ///< per worker; 0 = cores / jobs, at least 1
    std::string device = "auto";        ///< "cpu", "auto", "cuda:0,cuda:1"
    std::string arithmetic = "float32"; ///< or "tf32", "bfloat16": the dtype of what is measured
    std::filesystem::path cache;        ///< folder of the artifact cache; empty = the user's
    std::filesystem::path worker;       ///< worker program
    std::filesystem::path artifacts;    ///< folder of packed compressed models; empty = beside the project
    core::Bytes artifactLimit {std::int64_t(10) << 30}; ///< of all of them together; 0 = new ones are not kept
    std::optional<core::Bytes> cacheLimit;              ///< of that folder; nothing: the cache chooses
    RetryPolicy retry = RetryPolicy::Interrupted;
    bool failFast = false;
    int maxTrials = 0; ///< 0 = all
    std::string only;  ///< run only trials whose label or id contains this
    int shardIndex = 0;
    int shardCount = 1;
    std::optional<double> timeLimitSeconds;
    std::string command;                     ///< what the user typed; provenance
    std::optional<core::Bytes> memoryBudget; ///< per worker
    std::filesystem::path logFolder;         ///< whole worker logs; empty = only the tail of failures, in the project
    bool allowsCommands = false;             ///< stages of this sweep may run whatever commands it has
    std::vector<std::string> allowedCommands = {}; ///< that the user has seen; SweepCommand::line
    int niceness = 0;                              ///< of the workers; a window keeps itself fluid with it
    WorkerTimings timings;
};

/// Workers and threads after the defaults were filled in.
struct WorkerCounts
{
    int jobs = 1;
    int threads = 1; ///< per worker
};

/// Depends on the options and the cores only, never on how much is to be done: threads decide the last bits of a
/// metric.
WorkerCounts workerCounts(const SweepOptions& options);

struct SweepPlan
{
    std::vector<core::PlannedTrial> trials; ///< all of the sweep (after only/shard); of an adaptive one so far
    std::vector<bool> done;                 ///< parallel to `trials`: every requested measurement is in the project
    std::vector<bool> held; ///< likewise: failed or interrupted earlier and left alone by SweepOptions::retry
    int total() const { return static_cast<int>(trials.size()); }
    int remaining() const; ///< neither done nor held
};

struct TrialProgress
{
    core::TrialId trial;
    QString label;
    int worker = 0;
    QString phase; ///< "load", "compress", "external", "evaluate", "wait" (for another worker), ...
    int done = 0;  ///< layers of the stage in hand, sequences of the evaluation
    int total = 0;
    double elapsedSeconds = 0;                      ///< of the trial
    std::optional<double> phaseRemainingSeconds {}; ///< at the pace of the phase so far
    std::optional<double> remainingSeconds {};      ///< of the trial, as long as earlier ones of its methods took
};

struct SweepSummary
{
    int total = 0;
    int done = 0;    ///< finished by this run
    int skipped = 0; ///< were in the project already
    int failed = 0;
    int interrupted = 0; ///< not finished because of a stop, a time limit, failFast or `error`
    int held = 0;        ///< failed or interrupted earlier, not tried again (SweepOptions::retry)
    int left = 0;        ///< not tried because of maxTrials
    double wallSeconds = 0;
    bool stopped = false;             ///< by the user or the time limit
    std::optional<core::Error> error; ///< why the sweep could not go on: no worker starts, project not writable
};

/// Runs the open trials of one sweep on worker processes and writes every finished one into the project.
/// Lives in one thread with an event loop; owns the store while it runs. The sweep goes on after failures.
class SweepRunner : public QObject
{
    Q_OBJECT

public:
    SweepRunner(core::Sweep sweep, core::ProjectStore store, SweepOptions options, QObject* parent = nullptr);
    ~SweepRunner() override; ///< ends its workers; nothing is left behind

    /// Hashes files, plans trials, compares with the project, marks trials of a dead coordinator as interrupted.
    /// Errors: those of the parts; OutOfMemory (a trial that is to run does not fit the memory budget).
    core::Status prepare();
    const SweepPlan& plan() const;
    const core::Sweep& sweep() const;
    core::ProjectStore& store();
    SweepSummary summary() const; ///< so far
    int waiting() const;          ///< trials that wait for a worker

    /// After prepare(). `finished` follows, in any case.
    void start();
    /// Graceful: workers stop after the layer in hand, what is finished is kept. A second call kills the workers.
    void stop();

Q_SIGNALS:
    /// The driver of an adaptive sweep has chosen further trials: `added` are to run, of which some may have run before
    /// and are measured more thoroughly now. New ones stand at the end of the plan.
    void planExtended(const paretoscope::jobs::SweepPlan& plan, int added);
    void trialStarted(const paretoscope::core::PlannedTrial& trial, int worker);
    void trialProgressed(const paretoscope::jobs::TrialProgress& progress);
    /// Done, failed or interrupted; already in the project.
    void trialFinished(const paretoscope::core::TrialRecord& trial);
    void workerLost(int worker, const QString& reason);
    /// It began, ended or waits, has another trial, or takes other memory (about once a second).
    void workerChanged(const paretoscope::jobs::WorkerStatus& status);
    void remarked(const QString& remark); ///< before the first trial: where no worker runs, and why
    void finished(const paretoscope::jobs::SweepSummary& summary);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace paretoscope::jobs
