// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/worker/standard_streams.h"
#include "jobs/worker/task_runner.h"

namespace paretoscope::jobs {

/// Serves one coordinator from `configure` to the end of the process and returns the exit status.
/// Messages are read on the calling thread, tasks run on a second one, a third one sends heartbeats.
/// When the coordinator is gone (end of stream) the process ends at once, whatever runs.
/// @param termination  readable = SIGTERM came: the task in hand is cancelled, then the status is 143; -1: never
int runSession(ProtocolStreams streams, int termination, const TaskRunnerFactory& factory);

} // namespace paretoscope::jobs
