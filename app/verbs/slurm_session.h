// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/stop_signals.h"
#include "app/progress/progress_reporter.h"
#include "app/verbs/verb.h"
#include "jobs/slurm/slurm_sweep.h"

#include <QElapsedTimer>

#include <optional>

namespace paretoscope::app {

/// Follows a sweep on a cluster in an event loop: shows progress, streams events, obeys signals. SIGINT ends the
/// arrays, as it ends local workers; any other signal ends this program alone, for the arrays do not need it.
class SlurmSession
{
public:
    SlurmSession(jobs::SlurmSweep& sweep, Session& session, const std::string& progressMode);

    /// Until the sweep has finished.
    jobs::SweepSummary run(StopSignals& signals);
    /// The signal that ended it at once, if one did.
    std::optional<int> killedBy() const { return m_killedBy; }

private:
    void connectSweep();
    void received(int signal);
    void trialFinished(const core::TrialRecord& trial);
    void emitEvent(const std::string& event, core::Json fields);
    void showProgress();

    jobs::SlurmSweep& m_sweep;
    Session& m_session;
    std::unique_ptr<ProgressReporter> m_reporter;
    ProgressState m_state;
    QElapsedTimer m_clock;
    QObject m_context; ///< of the connections
    jobs::SweepSummary m_summary;
    int m_interrupts = 0;
    std::optional<int> m_killedBy;
};

} // namespace paretoscope::app
