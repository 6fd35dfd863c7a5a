// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace paretoscope::jobs {

/// The two ends of the protocol, out of reach of everything else in the process.
struct ProtocolStreams
{
    int input = -1;
    int output = -1;
};

/// Moves the protocol away from the standard descriptors: afterwards stdin is empty and what anything prints to stdout
/// goes to stderr, so that neither a library nor a program it starts can take or break a frame. Called once, first.
ProtocolStreams takeStandardStreams();

/// Makes the process outlive neither its parent nor a lost one, and deaf to the signals meant for the coordinator
/// (SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE). SIGTERM makes the returned descriptor readable; a second one ends the
/// process at once with 143.
int followCoordinator();

} // namespace paretoscope::jobs
