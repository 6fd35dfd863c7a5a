// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/stop_signals.h"
#include "app/progress/progress_reporter.h"
#include "app/verbs/verb.h"
#include "jobs/sweep_runner.h"

#include <QElapsedTimer>
#include <QTimer>

#include <map>
#include <optional>
#include <utility>

namespace paretoscope::app {

/// Runs a prepared sweep in an event loop: shows progress, tells failures at once, streams events, obeys signals.
class SweepSession
{
public:
    SweepSession(jobs::SweepRunner& runner, Session& session, const std::string& progressMode);

    /// Until the runner has finished.
    jobs::SweepSummary run(StopSignals& signals);
    /// The signal that ended it at once, if one did.
    std::optional<int> killedBy() const { return m_killedBy; }

private:
    void connectRunner();
    void received(int signal);
    void planExtended(const jobs::SweepPlan& plan, int added);
    void trialStarted(const core::PlannedTrial& trial, int worker);
    void trialProgressed(const jobs::TrialProgress& progress);
    void trialFinished(const core::TrialRecord& trial);
    void workerLost(int worker, const QString& reason);
    void workerChanged(const jobs::WorkerStatus& status);
    void tellQueue();
    void remarked(const QString& remark);
    void emitEvent(const std::string& event, core::Json fields);
    void showProgress();

    jobs::SweepRunner& m_runner;
    Session& m_session;
    std::unique_ptr<ProgressReporter> m_reporter;
    ProgressState m_state;
    std::map<core::TrialId, ActiveItem> m_active;
    std::map<core::TrialId, qint64> m_lastEvent; ///< milliseconds at which a progress event was emitted
    /// The same of workers, with what was told then.
    std::map<int, std::pair<qint64, jobs::WorkerStatus>> m_lastStatus;
    std::pair<int, int> m_lastQueue {-1, -1}; ///< waiting, running
    QElapsedTimer m_clock;
    QTimer m_redraw;
    jobs::SweepSummary m_summary;
    bool m_isStopping = false;
    int m_urgentSignals = 0; ///< SIGINTs and SIGTERMs so far
    std::optional<int> m_killedBy;
};

} // namespace paretoscope::app
