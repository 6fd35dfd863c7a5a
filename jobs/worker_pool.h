// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/worker_process.h"
#include "jobs/worker_status.h"

#include <QObject>

#include <cstdint>
#include <memory>
#include <vector>

namespace paretoscope::jobs {

/// Keeps up to n workers alive, replaces lost ones, and stops doing so when none can start.
/// Slots are numbered 0..n-1; each has one device for its whole life.
class WorkerPool : public QObject
{
    Q_OBJECT

public:
    /// @param settings  of every worker; `device` is replaced by one of `devices`, dealt out in turn
    WorkerPool(WorkerSettings settings, std::vector<std::string> devices, int workers, QObject* parent = nullptr);
    ~WorkerPool() override; ///< kills what still runs

    /// Starts up to `wanted` workers. Errors: NotFound, Io (no worker program).
    core::Status start(int wanted);
    /// How many are of use from now on: lost ones are replaced up to it, idle ones beyond it are ended.
    void want(int wanted);

    /// The slot must have announced itself by `workerIdle` and not have been given a task since.
    void run(int worker, const std::string& type, const core::Json& request);
    void cancelTasks();
    /// Ends this worker and starts another one in its slot: for memory that only a new process gives back.
    void renew(int worker);
    /// Ends all workers; `closed` follows, never from within this call. Tasks in hand are lost: cancel them first.
    void shutdown();
    void kill(); ///< as shutdown(), at once

    const Hello& hello(int worker) const;
    const std::string& device(int worker) const; ///< as this machine numbers it
    QStringList logTail(int worker) const;
    std::vector<qint64> processIds() const; ///< of the live workers
    WorkerStatus status(int worker) const;  ///< the pool knows no trials

Q_SIGNALS:
    void workerChanged(int worker); ///< its status may be another one
    void workerIdle(int worker);    ///< new, or done with its task
    void taskProgressed(int worker, const QString& phase, int done, int total);
    void taskDone(int worker, const paretoscope::core::Json& result);
    void taskFailed(int worker, const paretoscope::core::Error& error);
    /// Its task, if it had one (`hadTask`), has no other end than this.
    void workerLost(int worker, const paretoscope::jobs::WorkerLoss& loss, bool hadTask);
    /// After a task it held more memory than its budget, which a method may have lost: it is ended and another one
    /// takes its slot.
    void workerOutgrown(int worker, std::int64_t residentBytes);
    /// No worker runs and none can be started; the reason of the last one.
    void exhausted(const paretoscope::core::Error& error);
    void closed();

private:
    struct Slot;
    enum class Phase
    {
        Open,
        Closing,
        Closed
    };

    void launch(int worker);
    void launchMissing();
    void endBeyondWanted();
    void connectProcess(int worker);
    void announce(int worker, bool isFresh);
    void handleLoss(int worker, WorkerLoss loss);
    void handleEnd(int worker);
    void closeWhenEmpty();
    int live() const;

    WorkerSettings m_settings;
    std::filesystem::path m_program;
    std::vector<std::unique_ptr<Slot>> m_slots;
    int m_wanted = 0;
    Phase m_phase = Phase::Open;
    int m_lossesInARow = 0; ///< over all slots, since a task last ended in a live worker
    core::Error m_lastLoss;
};

} // namespace paretoscope::jobs
