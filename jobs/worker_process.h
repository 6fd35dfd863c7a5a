// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/log_tail.h"
#include "jobs/worker_settings.h"

#include "core/base/json.h"

#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QTimer>

#include <optional>

namespace paretoscope::jobs {

/// How a worker was lost.
enum class LossKind
{
    NotStarted, ///< no process, or it ended before `hello`
    Refused,    ///< it said that it cannot work, or speaks another protocol
    Exited,     ///< with a status, unasked
    Crashed,    ///< by a signal
    Silent,     ///< no message for too long
    Stalled,    ///< alive, but its task made no progress for too long
    Broken,     ///< bytes that are no message
};
/// "crashed", ...; in provenance and events.
std::string_view lossKindName(LossKind kind);

struct WorkerLoss
{
    LossKind kind = LossKind::Exited;
    core::Error error; ///< a sentence that names the worker and, if there was one, the phase of its task
    QStringList log;   ///< the newest lines of its log
};

/// One worker process as its coordinator sees it: starts it, hands it one task at a time, and notices each way in which
/// it can be lost. Never blocks but in the destructor, which kills the process.
class WorkerProcess : public QObject
{
    Q_OBJECT

public:
    enum class State
    {
        Starting,
        Idle,
        Busy,
        Ending,
        Ended
    };

    /// @param number  what users read: "worker 0"
    WorkerProcess(int number, WorkerSettings settings, std::filesystem::path program, QObject* parent = nullptr);
    ~WorkerProcess() override;

    void start();
    /// Sends a task; the worker must be idle. `type` is run_trial, evaluate, export or measure.
    void run(const std::string& type, const core::Json& request);
    /// Asks the task in hand to stop: `taskFailed` with Cancelled follows, or in the end SIGTERM and SIGKILL.
    void cancel();
    /// Ends the process, gracefully first; `ended` follows. The result of a task in hand is dropped.
    void shutdown();
    /// Ends the process and all it started at once; `ended` follows.
    void kill();

    int number() const { return m_number; }
    State state() const { return m_state; }
    const Hello& hello() const { return m_hello; }
    qint64 processId() const { return m_process.processId(); }
    qint64 residentBytes() const { return m_residentBytes; }            ///< as of the last heartbeat or end of a task
    std::optional<qint64> deviceBytes() const { return m_deviceBytes; } ///< on a card, as of the last heartbeat
    const LogTail& log() const { return m_log; }

Q_SIGNALS:
    void ready();      ///< `hello` came
    void memoryTold(); ///< a heartbeat came
    void taskProgressed(const QString& phase, int done, int total);
    void taskDone(const paretoscope::core::Json& result);
    void taskFailed(const paretoscope::core::Error& error); ///< the worker lives on
    void lost(const paretoscope::jobs::WorkerLoss& loss);   ///< unasked end; the process is gone; `ended` follows
    void ended();

private:
    void readMessages();
    void handle(const Message& message);
    void handleHello(const Message& message);
    void handleFailed(const Message& message);
    void tellFailure();
    void send(const Message& message);
    void check();
    void checkDeadlines();
    void lose(LossKind kind, core::Error error);
    void noticeEnd();
    core::Error describeEnd() const;
    void signalGroup(int signal);
    QString place() const;

    int m_number;
    WorkerSettings m_settings;
    std::filesystem::path m_program;
    QProcess m_process;
    qint64 m_group = 0; ///< id of its process group while it runs
    QTimer m_checks;
    State m_state = State::Starting;
    Hello m_hello;
    FrameReader m_reader;
    LogTail m_log;
    std::optional<WorkerLoss> m_loss; ///< decided; told when the process is gone
    bool m_ending = false;            ///< asked for by shutdown() or kill()
    bool m_endTold = false;
    bool m_leaves = false; ///< it ends by itself after the task in hand: somebody sent it SIGTERM

    int m_task = 0;                       ///< number of the last task
    std::optional<core::Error> m_failure; ///< of the task in hand; told once the log that goes with it was read
    QString m_phase;                      ///< where it is
    int m_done = 0;
    int m_total = 0;
    qint64 m_residentBytes = 0;
    std::optional<qint64> m_deviceBytes;

    // Milliseconds on a clock that stands still while this process does not get to look.
    qint64 now() const { return m_clock.elapsed() - m_unseen; }
    QElapsedTimer m_clock;
    qint64 m_unseen = 0;
    qint64 m_lastCheck = 0;
    qint64 m_started = 0;
    qint64 m_heard = 0;
    qint64 m_progressed = 0;
    std::optional<qint64> m_asked; ///< since when a cancel or shutdown waits
    bool m_terminated = false;     ///< SIGTERM was sent
};

} // namespace paretoscope::jobs
