// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/shard_session.h"
#include "app/verbs/sweep_arguments.h"
#include "core/memory/memory_estimate.h"
#include "core/project/records.h"
#include "jobs/pattern_preview.h"
#include "jobs/shared_work.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// What running a sweep would do. Nothing is written to find it out.
struct SweepEstimate
{
    struct Trial
    {
        core::PlannedTrial planned;
        std::string status;            ///< "done", "open", or "held": failed or interrupted earlier and left alone
        bool measuresOnly;             ///< open, but compressed before: only a measurement is missing
        std::string model;             ///< then where the compressed model is: "kept", "embedded", or empty
        std::optional<double> seconds; ///< expected, of an open one
        core::MemoryEstimate memory;
    };

    std::string sweep;
    std::string driver;
    bool isAdaptive = false; ///< further trials follow when those are measured
    std::vector<Trial> trials;
    jobs::SharedWork shared;                                 ///< of the open ones
    std::vector<jobs::PatternPreview::Selection> selections; ///< of the open ones
    std::vector<std::string> commands; ///< of programs that stages run, as a shell would read them
    std::size_t modules = 0;           ///< that the model has
    int done = 0;
    int held = 0;
    int open = 0;
    jobs::WorkerCounts workers;
    std::optional<double> seconds; ///< of the whole sweep on these workers; empty when nothing like it ran before
    core::Bytes memory;            ///< of one worker: the most that an open trial takes
    std::int64_t diskBytes = 0;    ///< rough growth of the project
    core::Bytes scratch;           ///< of one worker: the most that an open trial puts into scratch files
};

/// Errors: those of reading sweep, model, data and project; OutOfMemory (a trial does not fit the memory budget).
core::Result<SweepEstimate> estimateSweep(const core::Sweep& sweep, const jobs::SweepOptions& options,
                                          const std::string& project, const Recorded& recorded);

/// Prints it, as a table or as JSON; the verb `estimate` and `run --dry-run`.
Outcome printEstimate(const SweepArguments& arguments, Session& session);

} // namespace paretoscope::app
