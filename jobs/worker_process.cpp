// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker_process.h"

#include "core/base/assert.h"

#include <QProcessEnvironment>

#include <algorithm>
#include <csignal>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;

constexpr int kDestructorWaitMilliseconds = 5000;
constexpr const char* kLogHint = "the newest lines of its log are kept with the trial";

QProcessEnvironment environmentFor(const WorkerSettings& settings)
{
    auto environment = QProcessEnvironment::systemEnvironment();
    const QString cards = QStringLiteral("CUDA_VISIBLE_DEVICES");
    std::optional<std::string> visible;
    if (environment.contains(cards))
        visible = environment.value(cards).toStdString();
    if (isCard(settings.device)) // a card that is not visible here is not visible there either
        environment.insert(cards, QString::fromStdString(visibleCardFor(settings.device, visible).value_or("")));
    // The OpenMP runtime reads it while it is loaded, long before `configure` arrives.
    for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"})
        environment.insert(QString::fromLatin1(name), QString::number(settings.threads));
    // Threads that spin while they wait stand still together as soon as anything else wants a core.
    if (const QString policy = QStringLiteral("OMP_WAIT_POLICY"); !environment.contains(policy))
        environment.insert(policy, QStringLiteral("passive"));
    return environment;
}

/// Between fork and exec: only async-signal-safe calls.
void prepareChild(int niceness)
{
    // A group of its own: Ctrl+C in the terminal reaches the coordinator only, and what a worker starts dies with it.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + niceness);
}

std::string quoted(const QString& text)
{
    return '"' + text.toStdString() + '"';
}

int checkInterval(const WorkerTimings& timings)
{
    const auto shortest = std::min({timings.silence, timings.start, timings.cancelGrace, timings.terminateGrace});
    return static_cast<int>(std::clamp<std::int64_t>(shortest.count() / 8, 10, 500));
}

} // namespace

std::string_view lossKindName(LossKind kind)
{
    switch (kind) {
    case LossKind::NotStarted:
        return "not_started";
    case LossKind::Refused:
        return "refused";
    case LossKind::Exited:
        return "exited";
    case LossKind::Crashed:
        return "crashed";
    case LossKind::Silent:
        return "silent";
    case LossKind::Stalled:
        return "stalled";
    case LossKind::Broken:
        return "broken";
    }
    return "exited";
}

WorkerProcess::WorkerProcess(int number, WorkerSettings settings, std::filesystem::path program, QObject* parent)
    : QObject(parent)
    , m_number(number)
    , m_settings(std::move(settings))
    , m_program(std::move(program))
{
    if (!m_settings.logFolder.empty())
        m_log.keepIn(m_settings.logFolder / ("worker-" + std::to_string(number) + ".log"));
    m_process.setProcessEnvironment(environmentFor(m_settings));
    m_process.setChildProcessModifier([niceness = m_settings.niceness] { prepareChild(niceness); });
    connect(&m_process, &QProcess::readyReadStandardOutput, this, &WorkerProcess::readMessages);
    connect(&m_process, &QProcess::readyReadStandardError, this,
            [this] { m_log.feed(m_process.readAllStandardError()); });
    connect(&m_process, &QProcess::finished, this, &WorkerProcess::noticeEnd);
    connect(&m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart)
            noticeEnd();
    });
    connect(&m_checks, &QTimer::timeout, this, &WorkerProcess::check);
}

WorkerProcess::~WorkerProcess()
{
    m_process.disconnect(this);
    if (m_process.state() == QProcess::NotRunning)
        return;
    signalGroup(SIGKILL);
    m_process.waitForFinished(kDestructorWaitMilliseconds);
}

void WorkerProcess::start()
{
    PSC_ASSERT(m_process.state() == QProcess::NotRunning && m_state == State::Starting, "one object is one process");
    m_clock.start();
    m_checks.start(checkInterval(m_settings.timings));
    m_process.start(QString::fromStdString(m_program.string()), {});
    m_group = m_process.processId();
    if (m_group > 0)
        ::setpgid(static_cast<pid_t>(m_group), static_cast<pid_t>(m_group)); // the child may not have come to it yet
    if (m_state == State::Starting)
        send({"configure", jobs::toJson(configurationFor(m_settings))});
}

void WorkerProcess::run(const std::string& type, const Json& request)
{
    PSC_ASSERT(m_state == State::Idle, "a worker has one task at a time");
    m_state = State::Busy;
    m_phase.clear();
    m_done = m_total = 0;
    m_progressed = now();
    send({type, {{"task", ++m_task}, {"request", request}}});
}

void WorkerProcess::cancel()
{
    if (m_state != State::Busy || m_asked)
        return;
    m_asked = now();
    send({"cancel", {{"task", m_task}}});
}

void WorkerProcess::shutdown()
{
    if (m_state == State::Ended || m_ending)
        return;
    m_ending = true;
    if (m_state == State::Starting) { // loading libraries: it has nothing to lose and may be long
        signalGroup(SIGKILL);
        return;
    }
    m_state = State::Ending;
    m_asked = m_asked.value_or(now());
    send({"shutdown"});
}

void WorkerProcess::kill()
{
    m_ending = true;
    if (m_state != State::Ended)
        signalGroup(SIGKILL);
}

void WorkerProcess::readMessages()
{
    m_reader.feed([this] {
        const QByteArray bytes = m_process.readAllStandardOutput();
        return std::string(bytes.constData(), static_cast<std::size_t>(bytes.size()));
    }());
    while (!m_loss) {
        auto next = m_reader.next();
        if (!next.ok()) {
            lose(LossKind::Broken, next.error().withContext("worker " + std::to_string(m_number)));
            return;
        }
        if (!next.value())
            return;
        handle(*next.value());
    }
}

void WorkerProcess::handle(const Message& message)
{
    m_heard = now();
    const bool isOfTask = m_state == State::Busy && taskOf(message) == m_task;
    if (message.type == "hello") {
        handleHello(message);
    } else if (message.type == "heartbeat") {
        m_residentBytes = integerField(message.body, "resident_bytes");
        if (const qint64 bytes = integerField(message.body, "device_bytes", -1); bytes >= 0)
            m_deviceBytes = bytes;
        Q_EMIT memoryTold();
    } else if (message.type == "failed") {
        m_residentBytes = integerField(message.body, "resident_bytes", m_residentBytes);
        m_leaves = m_leaves || message.body.value("ending", Json()) == true;
        handleFailed(message);
    } else if (message.type == "progress" && isOfTask) {
        m_progressed = now();
        m_phase = QString::fromStdString(textField(message.body, "phase"));
        m_done = static_cast<int>(integerField(message.body, "done"));
        m_total = static_cast<int>(integerField(message.body, "total"));
        Q_EMIT taskProgressed(m_phase, m_done, m_total);
    } else if (message.type == "done" && isOfTask) {
        m_leaves = m_leaves || message.body.value("ending", Json()) == true;
        m_state = m_leaves ? State::Ending : State::Idle;
        m_asked.reset();
        m_residentBytes = integerField(message.body, "resident_bytes", m_residentBytes);
        Q_EMIT taskDone(message.body.value("result", Json::object()));
    }
    // Everything else is an intermediate result, a message of a later version, or about a task that is over.
}

void WorkerProcess::handleHello(const Message& message)
{
    auto hello = helloFromJson(message.body);
    if (!hello.ok()) {
        lose(LossKind::Refused, hello.error().withContext("worker program " + m_program.string()));
        return;
    }
    if (m_state != State::Starting)
        return;
    m_hello = std::move(hello).value();
    m_state = State::Idle;
    Q_EMIT ready();
}

void WorkerProcess::handleFailed(const Message& message)
{
    const Error error = errorFromFailure(message.body);
    if (taskOf(message) < 0) {
        lose(LossKind::Refused, error.withContext("worker " + std::to_string(m_number)));
    } else if (m_state == State::Busy && taskOf(message) == m_task) {
        m_failure = error;
        // The log comes through another pipe, which the event loop reads in the same round.
        QTimer::singleShot(0, this, &WorkerProcess::tellFailure);
    }
}

void WorkerProcess::tellFailure()
{
    if (!m_failure)
        return;
    const Error error = *std::exchange(m_failure, std::nullopt);
    if (m_state != State::Busy)
        return; // shut down meanwhile
    m_state = m_leaves ? State::Ending : State::Idle;
    m_asked.reset();
    Q_EMIT taskFailed(error);
}

void WorkerProcess::send(const Message& message)
{
    const std::string frame = encodeFrame(message);
    m_process.write(frame.data(), static_cast<qint64>(frame.size()));
}

void WorkerProcess::check()
{
    // A suspended or overloaded coordinator has not listened: that is not the worker's silence.
    const qint64 gap = now() - m_lastCheck - m_checks.interval();
    if (gap > 4 * m_checks.interval())
        m_unseen += gap;
    m_lastCheck = now();
    if (m_state != State::Ended && !m_loss)
        checkDeadlines();
}

void WorkerProcess::checkDeadlines()
{
    const WorkerTimings& timings = m_settings.timings;
    const std::string worker = "worker " + std::to_string(m_number);
    const auto seconds = [](std::chrono::milliseconds time) {
        return QString::number(double(time.count()) / 1000).toStdString() + " s";
    };
    if (m_asked) {
        const qint64 waited = now() - *m_asked;
        if (waited > (timings.cancelGrace + timings.terminateGrace).count()) {
            signalGroup(SIGKILL);
        } else if (waited > timings.cancelGrace.count() && !m_terminated) {
            m_terminated = true;
            if (m_group > 0) // the leader only: what it has started is its own affair now
                ::kill(static_cast<pid_t>(m_group), SIGTERM);
        }
    } else if (m_state == State::Starting && now() > timings.start.count()) {
        lose(LossKind::NotStarted, {ErrorCode::Io, worker + " was not ready within " + seconds(timings.start),
                                    "is the disk with the libraries very slow, or the machine overloaded?"});
    } else if (m_state != State::Starting && now() - m_heard > timings.silence.count()) {
        lose(LossKind::Silent,
             {ErrorCode::Io, worker + " did not answer for " + seconds(timings.silence) + place().toStdString(),
              "it was ended; suspended, or swapping for lack of memory?"});
    } else if (m_state == State::Busy && now() - m_progressed > timings.stall.count()) {
        lose(LossKind::Stalled,
             {ErrorCode::Io, worker + " made no progress for " + seconds(timings.stall) + place().toStdString(),
              "it was ended; if the method does not hang but takes so long for a layer, raise --stall-limit"});
    }
}

/// Decides on the loss; it is told once the process is gone, so that no two processes ever have the same trial.
void WorkerProcess::lose(LossKind kind, Error error)
{
    if (m_loss || m_endTold)
        return;
    m_loss = WorkerLoss {kind, std::move(error), {}};
    if (m_process.state() != QProcess::NotRunning)
        signalGroup(SIGKILL);
}

void WorkerProcess::noticeEnd()
{
    if (m_endTold)
        return;
    readMessages(); // what it still said counts
    m_log.feed(m_process.readAllStandardError());
    tellFailure();
    m_checks.stop();
    const bool wasStarting = m_state == State::Starting;
    const bool asked = m_ending && !m_loss;
    if (!m_loss && !asked) {
        const bool crashed = m_process.exitStatus() == QProcess::CrashExit;
        const LossKind kind = wasStarting ? LossKind::NotStarted : crashed ? LossKind::Crashed : LossKind::Exited;
        m_loss = WorkerLoss {kind, describeEnd(), {}};
    }
    m_endTold = true;
    m_state = State::Ended;
    signalGroup(SIGKILL); // what it had started
    m_group = 0;
    if (m_loss && !m_ending) {
        m_loss->log = m_log.lines();
        Q_EMIT lost(*m_loss);
    }
    Q_EMIT ended();
}

/// Why the process ended without having been asked to.
Error WorkerProcess::describeEnd() const
{
    const std::string worker = "worker " + std::to_string(m_number);
    if (m_process.error() == QProcess::FailedToStart)
        return {ErrorCode::Io, "cannot start " + m_program.string() + ": " + m_process.errorString().toStdString(),
                "reinstall, or let PARETOSCOPE_WORKER name the program"};
    const QString last = m_log.lastLine();
    const std::string said = last.isEmpty() ? "" : "; its last words: " + quoted(last);
    if (m_process.exitStatus() == QProcess::NormalExit) {
        const std::string torn = m_reader.pending() > 0 ? " in the middle of a message" : "";
        return {ErrorCode::Io,
                worker + " ended with status " + std::to_string(m_process.exitCode()) + torn + place().toStdString() +
                    said,
                kLogHint};
    }
    // QProcess gives the number of the signal as the exit code of a crash.
    const int signal = m_process.exitCode();
    const std::string name = ::strsignal(signal);
    if (signal == SIGKILL)
        return {ErrorCode::Io, worker + " was killed (signal 9)" + place().toStdString() + said,
                "the system does so when memory runs out: try fewer workers (--jobs) or a lower --memory-budget"};
    return {ErrorCode::Io,
            worker + " crashed (signal " + std::to_string(signal) + ", " + name + ')' + place().toStdString() + said,
            kLogHint};
}

/// Signals the worker and everything it started.
void WorkerProcess::signalGroup(int signal)
{
    if (m_group > 0)
        ::kill(static_cast<pid_t>(-m_group), signal);
}

/// " in phase \"apply\" (7 of 30)" while a task is in hand.
QString WorkerProcess::place() const
{
    if (m_state != State::Busy || m_phase.isEmpty())
        return {};
    return QStringLiteral(" in phase \"%1\" (%2 of %3)").arg(m_phase).arg(m_done).arg(m_total);
}

} // namespace paretoscope::jobs
