// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"

#include <string>
#include <vector>

namespace paretoscope::jobs {

/// A command that stages of a sweep run, or may come to run. Its texts hide nothing: what has control characters or
/// others beyond ASCII is written as a JSON text.
struct SweepCommand
{
    std::string line;               ///< whole, as a POSIX shell would read it back
    std::vector<std::string> words; ///< program and arguments, each as in `line`; empty: it is no list of words
    std::vector<std::size_t> pipelines = {}; ///< those of Sweep::pipelines that run it; empty: a driver may choose it
};

/// Each once, with {model} and {output} as they stand in the sweep.
std::vector<SweepCommand> describedCommands(const core::Sweep& sweep);
/// Their lines.
std::vector<std::string> commandsOf(const core::Sweep& sweep);
/// A text with nothing in it hidden or looking like something else.
std::string visibleText(const std::string& text);

/// Errors: InvalidArgument (it runs commands, and the options do not allow that), with all of them.
core::Status requireApproval(const core::Sweep& sweep, const SweepOptions& options);

} // namespace paretoscope::jobs
