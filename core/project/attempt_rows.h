// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

#include <optional>

namespace paretoscope::core {

// Table attempt: every run of a trial with its outcome, provenance and error. Nothing here is ever overwritten by a
// later run, so the log of a crash stays, and each measurement knows the run it came from.

struct AttemptRow
{
    std::int64_t id = 0;
    int number = 0;
};

/// Records the run that `trial` tells of, under the number TrialRecord::attempts or the next free one. The run that is
/// under way is brought up to date, and the same run told twice is one run. Nothing to tell: empty.
Result<std::optional<AttemptRow>> recordAttempt(Database& database, std::int64_t trialRow, const TrialRecord& trial);
/// Runs that were under way.
Status interruptRunningAttempts(Database& database);

} // namespace paretoscope::core
