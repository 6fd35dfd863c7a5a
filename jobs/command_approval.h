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

/// All of a sweep, each once, with {model} and {output} as they stand there.
std::vector<SweepCommand> describedCommands(const core::Sweep& sweep);
/// Those of the trials that are still to run. Where a driver chooses further trials by results: all, as long as one is.
std::vector<SweepCommand> commandsToRun(const core::Sweep& sweep, const SweepPlan& plan);
/// Those of them that the options do not allow; the project is only read, and need not exist. Fast for a sweep without
/// commands. Errors: those of checkOptions, identifySweep, ProjectStore::open and prepareSweep.
core::Result<std::vector<SweepCommand>>
commandsToAskAbout(const core::Sweep& sweep, const std::filesystem::path& project, const SweepOptions& options);
/// A text with nothing in it hidden or looking like something else.
std::string visibleText(const std::string& text);

/// Errors: InvalidArgument (the options do not allow some of them), with those.
core::Status requireApproval(const std::vector<SweepCommand>& commands, const SweepOptions& options);

} // namespace paretoscope::jobs
