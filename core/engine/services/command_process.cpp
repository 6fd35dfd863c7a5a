// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/command_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paretoscope::engine {

namespace {

using core::Error;
using core::ErrorCode;

constexpr int kKeeperPollMilliseconds = 20;
constexpr std::size_t kLongestLine = 300; ///< that is kept

/// Both ends close themselves when a program is started.
struct Pipe
{
    Pipe() { isOpen = ::pipe2(ends, O_CLOEXEC) == 0; }
    ~Pipe()
    {
        for (const int end : ends) {
            if (end >= 0)
                ::close(end);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int takeReader() { return std::exchange(ends[0], -1); }
    int takeWriter() { return std::exchange(ends[1], -1); }

    int ends[2] = {-1, -1};
    bool isOpen = false;
};

/// What the two processes after the fork need; made before it, since they may only make async-signal-safe calls.
struct Launch
{
    char* const* arguments;
    char* const* environment;
    const char* folder;
    int control; ///< to be read by the keeper
    int report;  ///< to be written by both
    int output;  ///< to be written by the program
};

void tell(int report, CommandProcess::End end)
{
    [[maybe_unused]] const ssize_t ignored = ::write(report, &end, sizeof end);
}

[[noreturn]] void becomeProgram(const Launch& launch)
{
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // should somebody kill the keeper
    for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGTERM, SIGQUIT})
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(launch.output, STDOUT_FILENO);
    ::dup2(launch.output, STDERR_FILENO);
    if (::chdir(launch.folder) == 0)
        ::execvpe(launch.arguments[0], launch.arguments, launch.environment);
    tell(launch.report, {errno, 0});
    ::_exit(127);
}

/// Nothing of the worker's files stays open here: its locks and pipes end with it.
void keepOnly(std::array<int*, 3> kept)
{
    int next = 3;
    for (int* descriptor : kept) // above the place they get
        *descriptor = ::fcntl(*descriptor, F_DUPFD_CLOEXEC, 10);
    for (int* descriptor : kept)
        *descriptor = ::dup3(*descriptor, next++, O_CLOEXEC);
    ::syscall(SYS_close_range, static_cast<unsigned>(next), ~0U, 0U);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nothing, stream);
    ::close(nothing);
}

/// By another program: going through folders allocates memory.
void removeFolder(const char* folder)
{
    char program[] = "rm";
    char options[] = "-rf";
    char end[] = "--";
    char* const arguments[] = {program, options, end, const_cast<char*>(folder), nullptr};
    ::execv("/bin/rm", arguments);
}

[[noreturn]] void becomeKeeper(Launch launch)
{
    ::setpgid(0, 0); // whoever ends the group of the worker leaves the keeper its duty
    for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGQUIT, SIGPIPE})
        ::signal(signal, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
    keepOnly({&launch.control, &launch.report, &launch.output});
    const pid_t program = ::fork();
    if (program == 0)
        becomeProgram(launch);
    if (program < 0) {
        tell(launch.report, {errno, 0});
        ::_exit(1);
    }
    ::setpgid(program, program); // it may not have come to it yet
    ::close(launch.output);
    bool isAlone = false; // the worker is gone
    CommandProcess::End end;
    while (::waitpid(program, &end.status, WNOHANG) != program) {
        pollfd control {launch.control, POLLIN, 0};
        if (::poll(&control, 1, kKeeperPollMilliseconds) <= 0)
            continue;
        char signal = SIGKILL;
        isAlone = ::read(launch.control, &signal, 1) <= 0;
        ::kill(-program, isAlone ? SIGKILL : signal);
    }
    ::kill(-program, SIGKILL); // what it had started
    tell(launch.report, end);
    if (isAlone)
        removeFolder(launch.folder);
    ::_exit(0);
}

/// NAME=VALUE of this process, with another TMPDIR.
std::vector<std::string> environmentFor(const std::filesystem::path& folder)
{
    std::vector<std::string> variables;
    for (char** entry = environ; *entry; ++entry) {
        if (!std::string_view(*entry).starts_with("TMPDIR="))
            variables.emplace_back(*entry);
    }
    variables.push_back("TMPDIR=" + folder.string());
    return variables;
}

/// As exec wants it: it only reads, whatever its interface says.
std::vector<char*> pointersTo(const std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

Error noProcess(const std::string& program)
{
    return {ErrorCode::Io, "cannot start " + program + ": " + std::generic_category().message(errno),
            "the machine is out of processes, files or memory: run fewer workers (--jobs)"};
}

} // namespace

core::Result<CommandProcess> CommandProcess::start(const std::vector<std::string>& words,
                                                   const std::filesystem::path& folder)
{
    const std::vector<std::string> variables = environmentFor(folder);
    const std::vector<char*> arguments = pointersTo(words);
    const std::vector<char*> environment = pointersTo(variables);
    Pipe control;
    Pipe report;
    Pipe output;
    if (!control.isOpen || !report.isOpen || !output.isOpen)
        return noProcess(words.front());
    const pid_t keeper = ::fork();
    if (keeper < 0)
        return noProcess(words.front());
    if (keeper == 0)
        becomeKeeper(
            {arguments.data(), environment.data(), folder.c_str(), control.ends[0], report.ends[1], output.ends[1]});
    return CommandProcess(keeper, control.takeWriter(), report.takeReader(), output.takeReader());
}

CommandProcess::CommandProcess(pid_t keeper, int control, int report, int output)
    : m_keeper(keeper)
    , m_control(control)
    , m_report(report)
    , m_output(output)
{
    ::fcntl(m_output, F_SETFL, O_NONBLOCK);
}

CommandProcess::CommandProcess(CommandProcess&& other) noexcept
    : m_keeper(std::exchange(other.m_keeper, -1))
    , m_control(std::exchange(other.m_control, -1))
    , m_report(std::exchange(other.m_report, -1))
    , m_output(std::exchange(other.m_output, -1))
    , m_line(std::move(other.m_line))
    , m_last(std::move(other.m_last))
{}

CommandProcess::~CommandProcess()
{
    endKeeper();
    for (const int descriptor : {m_report, m_output}) {
        if (descriptor >= 0)
            ::close(descriptor);
    }
}

std::optional<CommandProcess::End> CommandProcess::wait(std::chrono::milliseconds patience)
{
    pollfd watched[] = {{m_report, POLLIN, 0}, {m_output, POLLIN, 0}};
    if (::poll(watched, 2, static_cast<int>(patience.count())) <= 0)
        return std::nullopt;
    readOutput();
    if (watched[0].revents == 0)
        return std::nullopt;
    End end;
    if (::read(m_report, &end, sizeof end) != static_cast<ssize_t>(sizeof end))
        end.status = SIGKILL; // the keeper was killed, and the program with it
    endKeeper();
    readOutput();
    return end;
}

void CommandProcess::signal(int number)
{
    const auto byte = static_cast<char>(number);
    [[maybe_unused]] const ssize_t ignored = ::write(m_control, &byte, 1);
}

std::string CommandProcess::lastLine() const
{
    std::string line = m_line.empty() ? m_last : m_line;
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return line;
}

void CommandProcess::readOutput()
{
    char buffer[16384];
    for (;;) {
        const ssize_t count = ::read(m_output, buffer, sizeof buffer);
        if (count == 0) { // closed: nothing to wait for any more
            ::close(std::exchange(m_output, -1));
            return;
        }
        if (count < 0)
            return;
        [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, buffer, static_cast<std::size_t>(count));
        take({buffer, static_cast<std::size_t>(count)});
    }
}

void CommandProcess::take(std::string_view printed)
{
    for (const char c : printed) {
        if (c != '\n' && c != '\r') {
            if (m_line.size() < kLongestLine)
                m_line += c;
        } else if (!m_line.empty()) {
            m_last = std::exchange(m_line, {});
        }
    }
}

/// Without us the keeper kills the group.
void CommandProcess::endKeeper()
{
    if (m_control >= 0)
        ::close(std::exchange(m_control, -1));
    if (m_keeper > 0)
        ::waitpid(std::exchange(m_keeper, -1), nullptr, 0);
}

} // namespace paretoscope::engine
