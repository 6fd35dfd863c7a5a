// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/progress/progress_reporter.h"
#include "app/verbs/verb.h"
#include "jobs/evaluation.h"

#include <QElapsedTimer>

#include <memory>
#include <optional>
#include <string>

namespace paretoscope::app {

/// Runs one task of a worker without a project in an event loop: shows progress, obeys signals.
class EvaluationSession
{
public:
    EvaluationSession(jobs::WorkerSettings settings, const std::string& progressMode, Session& session);

    /// The worker's document. Errors: those of EvaluationRunner; Cancelled after a signal.
    /// @param task  "evaluate", "export" or "measure"
    core::Result<core::Json> run(const std::string& task, const core::Json& request);
    /// The signal that ended it at once, if one did.
    std::optional<int> killedBy() const { return m_killedBy; }

private:
    void progressed(const std::string& phase, int done, int total);
    void received(int signal, jobs::EvaluationRunner& runner);

    jobs::WorkerSettings m_settings;
    Session& m_session;
    std::unique_ptr<ProgressReporter> m_reporter;
    ProgressState m_state;
    QElapsedTimer m_clock;
    int m_stops = 0;
    std::optional<int> m_killedBy;
};

} // namespace paretoscope::app
