// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/project/records.h"
#include "core/sweep/sweep.h"
#include "jobs/sweep_runner.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// What is said when a sweep has ended.
struct SweepReport
{
    std::string sweep;
    std::string project;
    std::vector<std::string> objectives;
    std::vector<core::TrialRecord> trials; ///< of the sweep, as the project has them now, in sweep order
    jobs::SweepSummary summary;
};

/// The document of `run --json`.
core::Json reportJson(const SweepReport& report);
/// The table of trials on stdout (only the front of a large sweep), the summary and the failures on stderr.
void printReport(const SweepReport& report, Console& console);

/// A trial that has just ended: failures at once on stderr, the others with --verbose.
void tellTrial(const core::TrialRecord& trial, Console& console);
/// What the event `trial_finished` says of it.
core::Json trialEventFields(const core::TrialRecord& trial);

/// One line of `--json-lines`; `fields` are added to schema, event and time.
core::Json eventJson(const std::string& event, core::Json fields);
core::Json summaryJson(const jobs::SweepSummary& summary);

} // namespace paretoscope::app
