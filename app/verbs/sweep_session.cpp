// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_session.h"

#include "app/command_line/logging.h"
#include "app/format/text.h"
#include "app/verbs/sweep_report.h"

#include <QEventLoop>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>

namespace paretoscope::app {

namespace {

constexpr std::chrono::milliseconds kRedraw {200}; ///< keeps the elapsed time running while nothing is reported
constexpr qint64 kEventMilliseconds = 1000;        ///< at most one progress event per trial in this time
constexpr qint64 kMemoryMilliseconds = 10'000;     ///< and one per worker of which only the memory has changed

} // namespace

SweepSession::SweepSession(jobs::SweepRunner& runner, Session& session, const std::string& progressMode)
    : m_runner(runner)
    , m_session(session)
    , m_reporter(makeProgressReporter(progressMode, session.console))
{
    const jobs::SweepPlan& plan = runner.plan();
    m_state.total = plan.total();
    m_state.skipped = plan.total() - plan.remaining();
    m_state.done = m_state.skipped;
    connectRunner();
}

void SweepSession::connectRunner()
{
    using jobs::SweepRunner;
    QObject* context = &m_redraw; // ends with this object
    QObject::connect(&m_runner, &SweepRunner::planExtended, context,
                     [this](const jobs::SweepPlan& plan, int added) { planExtended(plan, added); });
    QObject::connect(&m_runner, &SweepRunner::trialStarted, context,
                     [this](const core::PlannedTrial& trial, int worker) { trialStarted(trial, worker); });
    QObject::connect(&m_runner, &SweepRunner::trialProgressed, context,
                     [this](const jobs::TrialProgress& progress) { trialProgressed(progress); });
    QObject::connect(&m_runner, &SweepRunner::trialFinished, context,
                     [this](const core::TrialRecord& trial) { trialFinished(trial); });
    QObject::connect(&m_runner, &SweepRunner::workerLost, context,
                     [this](int worker, const QString& reason) { workerLost(worker, reason); });
    QObject::connect(&m_runner, &SweepRunner::workerChanged, context,
                     [this](const jobs::WorkerStatus& status) { workerChanged(status); });
    QObject::connect(&m_runner, &SweepRunner::remarked, context, [this](const QString& remark) { remarked(remark); });
    QObject::connect(&m_redraw, &QTimer::timeout, context, [this] { showProgress(); });
}

jobs::SweepSummary SweepSession::run(StopSignals& signals)
{
    QEventLoop loop;
    QObject::connect(&m_runner, &jobs::SweepRunner::finished, &loop, [&](const jobs::SweepSummary& summary) {
        m_summary = summary;
        loop.quit();
    });
    signals.listen([this](int signal) { received(signal); });
    m_clock.start();
    emitEvent("sweep_started", {{"sweep", m_runner.sweep().name}, {"total", m_state.total}, {"done", m_state.done}});
    // Queued, so that even a sweep that ends at once ends inside the loop.
    QTimer::singleShot(0, &m_runner, [this] { m_runner.start(); });
    m_redraw.start(kRedraw);
    if (m_runner.plan().remaining() > 0)
        showProgress();
    loop.exec();
    m_redraw.stop();
    m_state.elapsedSeconds = static_cast<double>(m_clock.elapsed()) / 1000;
    m_reporter->finish(m_state);
    emitEvent("sweep_finished", summaryJson(m_summary));
    record("sweep ended " + summaryJson(m_summary).dump());
    return m_summary;
}

void SweepSession::received(int signal)
{
    record(fmt::format("signal received signal={}", signal));
    m_urgentSignals += signal == SIGINT || signal == SIGTERM ? 1 : 0;
    if (!m_isStopping) {
        m_isStopping = true;
        m_session.console.note("stopping after the layer in hand; what is finished is kept (once more: at once)");
        emitEvent("stopping", {{"signal", signal}});
        m_runner.stop();
    } else if (m_urgentSignals >= 2 && !m_killedBy) { // schedulers warn by SIGUSR1 and send SIGTERM some time later
        m_killedBy = signal;
        m_runner.stop();
    }
}

void SweepSession::planExtended(const jobs::SweepPlan& plan, int added)
{
    m_state.total += added;
    record(fmt::format("batch started trials={} total={}", added, plan.total()));
    emitEvent("batch_started", {{"trials", added}, {"total", plan.total()}});
    tellQueue();
    showProgress();
}

void SweepSession::trialStarted(const core::PlannedTrial& trial, int worker)
{
    ActiveItem item;
    item.label = trial.pipeline.label();
    m_active[trial.id] = item;
    record(fmt::format("trial started trial={} worker={} pipeline=\"{}\"", trial.id.hex(), worker, item.label));
    emitEvent("trial_started", {{"trial", trial.id.hex()}, {"pipeline", item.label}, {"worker", worker}});
    tellQueue();
    showProgress();
}

void SweepSession::trialProgressed(const jobs::TrialProgress& progress)
{
    ActiveItem& item = m_active[progress.trial];
    item.label = progress.label.toStdString();
    item.phase = progress.phase.toStdString();
    item.done = progress.done;
    item.total = progress.total;
    showProgress();
    const auto last = m_lastEvent.find(progress.trial);
    if (last != m_lastEvent.end() && m_clock.elapsed() - last->second < kEventMilliseconds)
        return;
    m_lastEvent[progress.trial] = m_clock.elapsed();
    const auto seconds = [](std::optional<double> value) { return value ? core::Json(*value) : core::Json(); };
    emitEvent("trial_progress", {{"trial", progress.trial.hex()},
                                 {"pipeline", item.label},
                                 {"worker", progress.worker},
                                 {"phase", item.phase},
                                 {"done", item.done},
                                 {"total", item.total},
                                 {"elapsed_seconds", progress.elapsedSeconds},
                                 {"remaining_seconds", seconds(progress.remainingSeconds)},
                                 {"phase_remaining_seconds", seconds(progress.phaseRemainingSeconds)}});
}

void SweepSession::trialFinished(const core::TrialRecord& trial)
{
    m_active.erase(trial.id);
    record(fmt::format("trial ended trial={} status={} seconds={:.3f} pipeline=\"{}\"{}", trial.id.hex(),
                       core::trialStatusName(trial.status), trial.seconds, trial.label,
                       trial.error ? " error=\"" + trial.error->sentence() + "\"" : ""));
    m_lastEvent.erase(trial.id);
    if (trial.status != core::TrialStatus::Interrupted)
        ++m_state.done;
    if (trial.status == core::TrialStatus::Failed)
        ++m_state.failed;
    tellTrial(trial, m_session.console);
    emitEvent("trial_finished", trialEventFields(trial));
    tellQueue();
    showProgress();
}

void SweepSession::workerLost(int worker, const QString& reason)
{
    record(fmt::format("worker lost worker={} reason=\"{}\"", worker, reason.toStdString()));
    m_session.console.note("worker " + std::to_string(worker) + " was lost: " + printable(reason.toStdString()));
    emitEvent("worker_lost", {{"worker", worker}, {"reason", reason.toStdString()}});
}

void SweepSession::workerChanged(const jobs::WorkerStatus& status)
{
    const auto [last, isNew] = m_lastStatus.try_emplace(status.worker, m_clock.elapsed(), status);
    auto& [when, told] = last->second;
    const bool isOther = isNew || told.activity != status.activity || told.trial != status.trial;
    if (!isOther && m_clock.elapsed() - when < kMemoryMilliseconds)
        return;
    when = m_clock.elapsed();
    told = status;
    core::Json fields {{"worker", status.worker},
                       {"activity", jobs::workerActivityName(status.activity)},
                       {"device", status.device},
                       {"resident_bytes", status.residentBytes}};
    if (status.deviceBytes)
        fields["device_bytes"] = *status.deviceBytes;
    if (status.trial)
        fields["trial"] = status.trial->hex();
    emitEvent("worker", std::move(fields));
}

/// When it is another one than last time.
void SweepSession::tellQueue()
{
    const std::pair queue(m_runner.waiting(), static_cast<int>(m_active.size()));
    if (std::exchange(m_lastQueue, queue) != queue)
        emitEvent("queue", {{"waiting", queue.first}, {"running", queue.second}});
}

void SweepSession::remarked(const QString& remark)
{
    record(fmt::format("remark text=\"{}\"", remark.toStdString()));
    m_session.console.note(printable(remark.toStdString()));
    emitEvent("remark", {{"text", remark.toStdString()}});
}

void SweepSession::emitEvent(const std::string& event, core::Json fields)
{
    if (m_session.common.jsonLines)
        m_session.console.document(eventJson(event, std::move(fields)));
}

void SweepSession::showProgress()
{
    m_state.elapsedSeconds = static_cast<double>(m_clock.elapsed()) / 1000;
    m_state.active.clear();
    for (const auto& [id, item] : m_active)
        m_state.active.push_back(item);
    m_reporter->update(m_state);
}

} // namespace paretoscope::app
