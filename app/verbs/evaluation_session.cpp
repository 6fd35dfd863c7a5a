// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/evaluation_session.h"

#include "app/command_line/stop_signals.h"
#include "app/format/text.h"
#include "app/verbs/event_loop.h"

#include <QEventLoop>

#include <csignal>

namespace paretoscope::app {

EvaluationSession::EvaluationSession(jobs::WorkerSettings settings, const std::string& progressMode, Session& session)
    : m_settings(std::move(settings))
    , m_session(session)
    , m_reporter(makeProgressReporter(progressMode, session.console))
{}

core::Result<core::Json> EvaluationSession::run(const std::string& task, const core::Json& request)
{
    StopSignals signals;
    const EventLoopGuard application;
    jobs::EvaluationRunner runner(m_settings);
    core::Result<core::Json> result = core::Error {core::ErrorCode::Cancelled, "the work was stopped", {}};
    QEventLoop loop;
    const auto finish = [&](core::Result<core::Json> outcome) {
        result = std::move(outcome);
        loop.quit();
    };
    QObject::connect(
        &runner, &jobs::EvaluationRunner::progressed, &loop,
        [this](const QString& phase, int done, int total) { progressed(phase.toStdString(), done, total); });
    QObject::connect(&runner, &jobs::EvaluationRunner::succeeded, &loop,
                     [&](const core::Json& document) { finish(document); });
    QObject::connect(&runner, &jobs::EvaluationRunner::failed, &loop, [&](const core::Error& error) { finish(error); });
    signals.listen([&](int signal) { received(signal, runner); });
    m_clock.start();
    progressed("starting the worker", 0, 0);
    runner.start(task, request);
    loop.exec();
    m_reporter->finish(m_state);
    if (!result.ok() && result.error().code != core::ErrorCode::Cancelled) {
        for (const QString& line : runner.logTail())
            m_session.console.detail("worker: " + printable(line.toStdString()));
    }
    return result;
}

void EvaluationSession::progressed(const std::string& phase, int done, int total)
{
    m_state.active = {{{}, phase, done, total}};
    m_state.elapsedSeconds = static_cast<double>(m_clock.elapsed()) / 1000;
    m_reporter->update(m_state);
}

void EvaluationSession::received(int signal, jobs::EvaluationRunner& runner)
{
    const bool urgent = signal == SIGINT || signal == SIGTERM;
    if (m_stops > 0 && !urgent)
        return;
    if (++m_stops > 1)
        m_killedBy = signal;
    runner.stop();
}

} // namespace paretoscope::app
