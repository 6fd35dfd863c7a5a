// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/stop_signals.h"

#include "app/command_line/exit_status.h"
#include "core/base/assert.h"

#include <QSocketNotifier>

#include <array>
#include <atomic>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace paretoscope::app {

namespace {

constexpr std::array kCaught {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
constexpr std::array kIgnored {SIGHUP, SIGPIPE};
constexpr int kPatience = 3; ///< SIGINTs or SIGTERMs after which the loop is taken for stuck

// A signal handler can reach nothing but globals.
std::atomic<int> g_writeEnd {-1}; ///< -1: not listening
std::atomic<int> g_urgent {0};    ///< SIGINTs and SIGTERMs so far

extern "C" void onSignal(int signal)
{
    const int end = g_writeEnd;
    if (end < 0) {
        constexpr char kText[] = "paretoscope: stopped before anything was started\n";
        [[maybe_unused]] const auto written = write(STDERR_FILENO, kText, sizeof kText - 1);
        _exit(static_cast<int>(ExitStatus::Stopped));
    }
    if ((signal == SIGINT || signal == SIGTERM) && ++g_urgent >= kPatience)
        _exit(128 + signal);
    const auto byte = static_cast<unsigned char>(signal);
    [[maybe_unused]] const auto written = write(end, &byte, 1);
}

} // namespace

struct StopSignals::Private
{
    std::array<struct sigaction, kCaught.size() + kIgnored.size()> former {};
    std::array<int, 2> pipe {-1, -1};
    std::unique_ptr<QSocketNotifier> notifier;
};

StopSignals::StopSignals()
    : d(std::make_unique<Private>())
{
    PSC_ASSERT(pipe2(d->pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0, "a process can have two more files");
    std::size_t index = 0;
    for (const int signal : kCaught) {
        struct sigaction action
        {};
        action.sa_handler = onSignal;
        action.sa_flags = SA_RESTART;
        sigaction(signal, &action, &d->former[index++]);
    }
    for (const int signal : kIgnored) {
        struct sigaction action
        {};
        action.sa_handler = SIG_IGN;
        sigaction(signal, &action, &d->former[index++]);
    }
}

StopSignals::~StopSignals()
{
    g_writeEnd = -1;
    g_urgent = 0;
    std::size_t index = 0;
    for (const int signal : kCaught)
        sigaction(signal, &d->former[index++], nullptr);
    for (const int signal : kIgnored)
        sigaction(signal, &d->former[index++], nullptr);
    d->notifier.reset();
    close(d->pipe[0]);
    close(d->pipe[1]);
}

void StopSignals::listen(std::function<void(int)> received)
{
    d->notifier = std::make_unique<QSocketNotifier>(d->pipe[0], QSocketNotifier::Read);
    QObject::connect(d->notifier.get(), &QSocketNotifier::activated, d->notifier.get(),
                     [end = d->pipe[0], received = std::move(received)] {
                         unsigned char signal = 0;
                         while (read(end, &signal, 1) == 1)
                             received(signal);
                     });
    g_writeEnd = d->pipe[1];
}

} // namespace paretoscope::app
