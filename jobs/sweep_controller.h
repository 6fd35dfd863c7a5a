// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/command_approval.h"

#include <QObject>

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace paretoscope::jobs {

/// Runs sweeps for the window: opens the project, prepares and runs the SweepRunner in a thread of its own, so that no
/// call here blocks. All signals arrive in the thread this object lives in. One sweep at a time.
class SweepController : public QObject
{
    Q_OBJECT

public:
    explicit SweepController(QObject* parent = nullptr);
    ~SweepController() override; ///< kills a running sweep's workers and waits for its thread; finished trials are kept

    /// Creates `project` when it does not exist. `prepared`, `approvalNeeded` or `refused` follows; after `prepared`
    /// comes `finished`.
    void start(core::Sweep sweep, std::filesystem::path project, SweepOptions options);
    /// Graceful; a second call kills the workers.
    void stop();
    bool isRunning() const; ///< from start() until `approvalNeeded`, `refused` or `finished`
    /// Calls `work` with the project of the sweep that runs, in the sweep's thread and between two of its own
    /// transactions, then `done` in this one. While isRunning(): nobody else can write that project.
    void write(std::function<core::Status(core::ProjectStore&)> work, std::function<void(const core::Status&)> done);

Q_SIGNALS:
    void prepared(const paretoscope::jobs::SweepPlan& plan);
    void extended(const paretoscope::jobs::SweepPlan& plan); ///< further trials at its end
    void refused(const paretoscope::core::Error& error);     ///< nothing was run: project busy, model missing, ...
    /// Nothing was run, or written: trials that are to run have commands which the options do not allow.
    void approvalNeeded(const std::vector<paretoscope::jobs::SweepCommand>& commands);
    void trialStarted(const paretoscope::core::PlannedTrial& trial, int worker);
    void trialProgressed(const paretoscope::jobs::TrialProgress& progress);
    void trialFinished(const paretoscope::core::TrialRecord& trial);
    void workerLost(int worker, const QString& reason);
    void workerChanged(const paretoscope::jobs::WorkerStatus& status);
    void remarked(const QString& remark);
    void finished(const paretoscope::jobs::SweepSummary& summary);

private:
    class Host;
    void forgetHost();

    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace paretoscope::jobs
