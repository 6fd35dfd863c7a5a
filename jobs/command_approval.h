// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"

#include <string>
#include <vector>

namespace paretoscope::jobs {

/// The commands that stages of a sweep run, or may come to run, each once: whole, as a POSIX shell would read them
/// back, with {model} and {output} as they stand in the sweep. One with control characters or others beyond ASCII is
/// written as a JSON text.
std::vector<std::string> commandsOf(const core::Sweep& sweep);

/// Errors: InvalidArgument (it runs commands, and the options do not allow that), with all of them.
core::Status requireApproval(const core::Sweep& sweep, const SweepOptions& options);

} // namespace paretoscope::jobs
