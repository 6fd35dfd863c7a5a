// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/standard_streams.h"

#include "core/base/assert.h"

#include <csignal>
#include <cstdio>
#include <initializer_list>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace paretoscope::jobs {

namespace {

// A signal handler can reach nothing but globals.
int terminationPipe[2] = {-1, -1};
volatile std::sig_atomic_t terminations = 0;

void onTermination(int)
{
    if (terminations > 0)
        ::_exit(128 + SIGTERM);
    terminations = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(terminationPipe[1], "t", 1);
}

} // namespace

ProtocolStreams takeStandardStreams()
{
    ProtocolStreams streams;
    streams.input = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    streams.output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    PSC_ASSERT(streams.input >= 0 && streams.output >= 0, "a worker is started with stdin and stdout open");
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::close(nothing);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    // What a library printed just before a crash must not be lost in a buffer.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    return streams;
}

int followCoordinator()
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE})
        std::signal(signal, SIG_IGN);
    const int made = ::pipe2(terminationPipe, O_CLOEXEC | O_NONBLOCK);
    PSC_ASSERT(made == 0, "a fresh process has descriptors left");
    struct sigaction action = {};
    action.sa_handler = onTermination;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGTERM, &action, nullptr);
    return terminationPipe[0];
}

} // namespace paretoscope::jobs
