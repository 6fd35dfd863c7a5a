// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/slurm_session.h"

#include "app/command_line/logging.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/sweep_report.h"

#include <QEventLoop>
#include <QTimer>

#include <csignal>

namespace paretoscope::app {

using jobs::SlurmSweep;

SlurmSession::SlurmSession(SlurmSweep& sweep, Session& session, const std::string& progressMode)
    : m_sweep(sweep)
    , m_session(session)
    , m_reporter(makeProgressReporter(progressMode, session.console))
{
    m_state.total = sweep.plan().total();
    m_state.skipped = m_state.total - sweep.plan().remaining();
    m_state.done = m_state.skipped;
    connectSweep();
}

void SlurmSession::connectSweep()
{
    QObject* context = &m_context;
    QObject::connect(&m_sweep, &SlurmSweep::submitted, context, [this](qint64 array, int elements) {
        m_session.console.note("submitted job " + std::to_string(array) + ", an array of " +
                               counted(elements, "element"));
        emitEvent("submitted", {{"array", array}, {"elements", elements}});
    });
    QObject::connect(&m_sweep, &SlurmSweep::found, context, [this](int elements) {
        m_session.console.note("following " + counted(elements, "element") + " submitted earlier");
        emitEvent("found", {{"elements", elements}});
    });
    QObject::connect(&m_sweep, &SlurmSweep::queueChanged, context, [this](int waiting, int running) {
        ActiveItem elements;
        elements.phase = std::to_string(running) + " running, " + std::to_string(waiting) + " waiting";
        const bool isNew = m_state.active.empty() || m_state.active.front().phase != elements.phase;
        m_state.active = {elements};
        if (isNew)
            emitEvent("queue", {{"waiting", waiting}, {"running", running}});
        showProgress();
    });
    QObject::connect(&m_sweep, &SlurmSweep::elementChanged, context,
                     [this](qint64 array, int index, const QString& state, const QString& reason) {
                         emitEvent("element", {{"array", array},
                                               {"element", index},
                                               {"state", state.toStdString()},
                                               {"reason", reason.toStdString()}});
                     });
    QObject::connect(&m_sweep, &SlurmSweep::noted, context, [this](const QString& text) {
        record(text.toStdString());
        m_session.console.note(printable(text.toStdString()));
        emitEvent("note", {{"text", text.toStdString()}});
    });
    QObject::connect(&m_sweep, &SlurmSweep::trialFinished, context,
                     [this](const core::TrialRecord& trial) { trialFinished(trial); });
}

jobs::SweepSummary SlurmSession::run(StopSignals& signals)
{
    QEventLoop loop;
    QObject::connect(&m_sweep, &SlurmSweep::finished, &loop, [&](const jobs::SweepSummary& summary) {
        m_summary = summary;
        loop.quit();
    });
    signals.listen([this](int signal) { received(signal); });
    m_clock.start();
    emitEvent("sweep_started", {{"sweep", m_sweep.sweep().name}, {"total", m_state.total}, {"done", m_state.done}});
    // Queued, so that even a sweep that ends at once ends inside the loop.
    QTimer::singleShot(0, &m_sweep, [this] { m_sweep.start(); });
    loop.exec();
    m_reporter->finish(m_state);
    emitEvent("sweep_finished", summaryJson(m_summary));
    record("sweep ended " + summaryJson(m_summary).dump());
    return m_summary;
}

void SlurmSession::received(int signal)
{
    record("signal received signal=" + std::to_string(signal));
    emitEvent("stopping", {{"signal", signal}});
    if (signal != SIGINT) {
        m_session.console.note("the arrays go on without this program; the same command follows them again");
        m_sweep.detach();
        return;
    }
    if (++m_interrupts == 1)
        m_session.console.note("ending the arrays: elements stop after the layer in hand (once more: at once)");
    else
        m_killedBy = signal;
    m_sweep.cancel();
}

void SlurmSession::trialFinished(const core::TrialRecord& trial)
{
    ++m_state.done;
    m_state.failed += trial.status == core::TrialStatus::Failed ? 1 : 0;
    tellTrial(trial, m_session.console);
    emitEvent("trial_finished", trialEventFields(trial));
    showProgress();
}

void SlurmSession::emitEvent(const std::string& event, core::Json fields)
{
    if (m_session.common.jsonLines)
        m_session.console.document(eventJson(event, std::move(fields)));
}

void SlurmSession::showProgress()
{
    m_state.elapsedSeconds = static_cast<double>(m_clock.elapsed()) / 1000;
    m_reporter->update(m_state);
}

} // namespace paretoscope::app
