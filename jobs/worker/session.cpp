// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/session.h"

#include "jobs/worker/task_observer.h"

#include "core/base/assert.h"
#include "jobs/protocol/channel.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kStatusBadCoordinator = 2;
constexpr int kStatusTerminated = 128 + SIGTERM;
constexpr milliseconds kTerminationGrace {10'000};
constexpr milliseconds kEndPoll {20};

std::int64_t residentBytes()
{
    std::int64_t total = 0;
    std::int64_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

class Session
{
public:
    Session(ProtocolStreams streams, int termination, const TaskRunnerFactory& factory)
        : m_input(streams.input)
        , m_termination(termination)
        , m_factory(factory)
        , m_writer(streams.output)
    {}
    ~Session() { join(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    int run();

private:
    bool waitForInput();
    void readMessages();
    void handle(const Message& message);
    core::Status configure(const Json& body);
    void accept(const Message& message);
    void requestEnd(int status);
    std::optional<int> pollEnd();

    void executeTasks();
    void execute(const Message& task);
    void beat();
    void send(const Message& message);
    void join();

    int m_input;
    int m_termination;
    const TaskRunnerFactory& m_factory;
    FrameWriter m_writer;
    FrameReader m_reader;
    std::unique_ptr<TaskRunner> m_runner;
    std::atomic<bool> m_isReady = false; ///< m_runner is there, for the thread of the heartbeats
    milliseconds m_heartbeat {1000};
    std::optional<int> m_endStatus; ///< set once the process is to end, as soon as the task in hand lets it
    std::optional<steady_clock::time_point> m_endDeadline; ///< and when it ends whether it lets it or not

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::optional<Message> m_next;
    std::unique_ptr<TaskObserver> m_current; ///< of the task in hand
    bool m_ending = false;
    bool m_endsAfterTask = false; ///< an end was asked for: the coordinator is not to send another one
    std::thread m_taskThread;
    std::thread m_heartbeatThread;
};

/// The coordinator is gone, and with it everything a result could be good for.
[[noreturn]] void endAtOnce(int status)
{
    spdlog::default_logger()->flush();
    std::_Exit(status);
}

int Session::run()
{
    for (;;) {
        if (waitForInput())
            readMessages();
        if (const auto status = pollEnd())
            return *status;
    }
}

/// Waits for bytes from the coordinator, a termination, or the next look at an end that was asked for.
bool Session::waitForInput()
{
    pollfd watched[] = {{m_input, POLLIN, 0}, {m_termination, POLLIN, 0}};
    const int timeout = m_endStatus ? static_cast<int>(kEndPoll.count()) : -1;
    if (::poll(watched, 2, timeout) <= 0)
        return false;
    if (watched[1].revents != 0) {
        char byte = 0;
        [[maybe_unused]] const ssize_t ignored = ::read(m_termination, &byte, 1);
        m_endDeadline = steady_clock::now() + kTerminationGrace;
        requestEnd(kStatusTerminated);
    }
    return watched[0].revents != 0;
}

void Session::readMessages()
{
    char buffer[65536];
    const ssize_t count = ::read(m_input, buffer, sizeof buffer);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0) {
        spdlog::info("coordinator gone, ending");
        endAtOnce(0);
    }
    m_reader.feed(std::string_view(buffer, static_cast<std::size_t>(count)));
    for (;;) {
        auto next = m_reader.next();
        if (!next.ok()) {
            spdlog::error("stream broken message=\"{}\"", next.error().message);
            send({"failed", failureBody(next.error())});
            endAtOnce(kStatusBadCoordinator);
        }
        if (!next.value())
            return;
        handle(*next.value());
    }
}

void Session::handle(const Message& message)
{
    if (message.type == "shutdown") {
        requestEnd(0);
    } else if (message.type == "configure" && !m_runner) {
        if (const auto status = configure(message.body); !status.ok()) {
            spdlog::error("worker unusable code={} message=\"{}\"", core::errorCodeName(status.error().code),
                          status.error().message);
            send({"failed", failureBody(status.error())});
            endAtOnce(1);
        }
    } else if (!m_runner) {
        send({"failed", failureBody({ErrorCode::InvalidArgument,
                                     "the message \"" + message.type + "\" came before \"configure\"", ""})});
        endAtOnce(kStatusBadCoordinator);
    } else if (message.type == "run_trial" || message.type == "evaluate" || message.type == "export" ||
               message.type == "measure") {
        accept(message);
    } else if (message.type == "cancel") {
        const std::lock_guard lock(m_mutex);
        if (m_current && m_current->task() == taskOf(message))
            m_current->cancel();
    } else {
        spdlog::warn("message ignored type={}", message.type);
    }
}

core::Status Session::configure(const Json& body)
{
    PSC_ASSIGN(const Configuration configuration, configurationFromJson(body));
    m_heartbeat = milliseconds(std::max(configuration.heartbeatMilliseconds, 10));
    m_heartbeatThread = std::thread([this] { beat(); });
    Hello hello;
    hello.build = PARETOSCOPE_VERSION;
    hello.device = configuration.device;
    hello.threads = configuration.threads;
    hello.pid = static_cast<int>(::getpid());
    auto made = guarded([&]() -> core::Result<Json> {
        PSC_ASSIGN(m_runner, m_factory(configuration, hello));
        return Json();
    });
    if (!made.ok())
        return made.error();
    PSC_ASSERT(m_runner, "a factory gives a runner or an error");
    m_isReady = true;
    m_taskThread = std::thread([this] { executeTasks(); });
    spdlog::info("worker ready pid={} device={} threads={}", hello.pid, hello.device, hello.threads);
    send({"hello", toJson(hello)});
    return core::success();
}

void Session::accept(const Message& message)
{
    const std::lock_guard lock(m_mutex);
    if (m_current) {
        Json body = failureBody({ErrorCode::Busy, "the worker has a task in hand already", ""});
        body["task"] = taskOf(message);
        send({"failed", std::move(body)});
        return;
    }
    m_current = std::make_unique<TaskObserver>(taskOf(message), m_writer);
    m_next = message;
    m_changed.notify_all();
}

void Session::requestEnd(int status)
{
    spdlog::info("end requested status={}", status);
    m_endStatus = m_endStatus.value_or(status);
    const std::lock_guard lock(m_mutex);
    m_endsAfterTask = true;
    if (m_current)
        m_current->cancel();
}

std::optional<int> Session::pollEnd()
{
    if (!m_endStatus)
        return std::nullopt;
    if (m_endDeadline && steady_clock::now() > *m_endDeadline)
        endAtOnce(*m_endStatus);
    {
        const std::lock_guard lock(m_mutex);
        if (m_current)
            return std::nullopt;
    }
    join();
    return m_endStatus;
}

void Session::executeTasks()
{
    for (;;) {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_next || m_ending; });
        if (!m_next)
            return;
        const Message task = std::move(*m_next);
        m_next.reset();
        lock.unlock();
        execute(task);
    }
}

void Session::execute(const Message& task)
{
    const auto started = steady_clock::now();
    const int number = taskOf(task);
    spdlog::info("task started task={} type={}", number, task.type);
    TaskObserver& observer = *m_current; // replaced by accept() only while there is none
    const Json request = task.body.value("request", Json::object());
    auto result = guarded([&] {
        return task.type == "evaluate"  ? m_runner->evaluate(request, observer)
               : task.type == "export"  ? m_runner->exportModel(request, observer)
               : task.type == "measure" ? m_runner->measure(request, observer)
                                        : m_runner->runTrial(request, observer);
    });
    bool isLast = false;
    {
        // Before the answer: the coordinator may send the next task as soon as it reads it.
        const std::lock_guard lock(m_mutex);
        m_current.reset();
        isLast = m_endsAfterTask;
    }
    const double seconds = std::chrono::duration<double>(steady_clock::now() - started).count();
    if (result.ok()) {
        Json body {{"task", number}, {"resident_bytes", residentBytes()}, {"ending", isLast}};
        body["result"] = std::move(result).value();
        if (const auto sent = m_writer.send({"done", std::move(body)}); sent.ok()) {
            spdlog::info("task finished task={} seconds={:.3f}", number, seconds);
            return;
        } else if (sent.error().code == ErrorCode::Io) {
            endAtOnce(0);
        } else {
            result = sent.error();
        }
    }
    spdlog::warn("task failed task={} seconds={:.3f} code={} message=\"{}\"", number, seconds,
                 core::errorCodeName(result.error().code), result.error().message);
    Json body = failureBody(result.error());
    body["task"] = number;
    body["resident_bytes"] = residentBytes();
    body["ending"] = isLast;
    send({"failed", std::move(body)});
}

void Session::beat()
{
    std::unique_lock lock(m_mutex);
    while (!m_changed.wait_for(lock, m_heartbeat, [this] { return m_ending; })) {
        Json body {{"task", nullptr}, {"resident_bytes", residentBytes()}};
        if (m_current) {
            body["task"] = m_current->task();
            body["quiet_ms"] = m_current->quiet().count();
        }
        lock.unlock();
        if (const auto bytes = m_isReady ? m_runner->deviceBytes() : std::nullopt)
            body["device_bytes"] = *bytes;
        send({"heartbeat", std::move(body)});
        lock.lock();
    }
}

void Session::send(const Message& message)
{
    if (!m_writer.send(message).ok())
        endAtOnce(0);
}

void Session::join()
{
    {
        const std::lock_guard lock(m_mutex);
        m_ending = true;
        if (m_current)
            m_current->cancel();
        m_changed.notify_all();
    }
    for (std::thread* thread : {&m_taskThread, &m_heartbeatThread}) {
        if (thread->joinable())
            thread->join();
    }
}

} // namespace

int runSession(ProtocolStreams streams, int termination, const TaskRunnerFactory& factory)
{
    return Session(streams, termination, factory).run();
}

} // namespace paretoscope::jobs
