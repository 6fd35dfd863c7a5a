// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"

#include <QObject>

#include <filesystem>
#include <memory>

namespace paretoscope::jobs {

/// Runs sweeps for the window: opens the project, prepares and runs the SweepRunner in a thread of its own, so that no
/// call here blocks. All signals arrive in the thread this object lives in. One sweep at a time.
class SweepController : public QObject
{
    Q_OBJECT

public:
    explicit SweepController(QObject* parent = nullptr);
    ~SweepController() override; ///< kills a running sweep's workers and waits for its thread; finished trials are kept

    /// Creates `project` when it does not exist. `prepared` or `refused` follows; after `prepared` comes `finished`.
    void start(core::Sweep sweep, std::filesystem::path project, SweepOptions options);
    /// Graceful; a second call kills the workers.
    void stop();
    bool isRunning() const; ///< from start() until `refused` or `finished`

Q_SIGNALS:
    void prepared(const paretoscope::jobs::SweepPlan& plan);
    void extended(const paretoscope::jobs::SweepPlan& plan); ///< further trials at its end
    void refused(const paretoscope::core::Error& error);     ///< nothing was run: project busy, model missing, ...
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
