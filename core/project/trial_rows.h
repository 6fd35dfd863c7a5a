// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/metric_rows.h"
#include "core/project/records.h"

#include <string>
#include <vector>

namespace paretoscope::core {

// Table trial, and the trial as a whole. Trials in the bin (deleted_utc) are not read.

/// Trial, run, tags; not metrics. @return the trial's row and that of its run, if it tells of one
struct TrialRows
{
    std::int64_t trial = 0;
    std::optional<std::int64_t> attempt;
};
Result<TrialRows> upsertTrial(Database& database, const TrialRecord& trial);
/// All of `trial`, and an event for each measurement that contradicts an earlier one.
/// @param known helps when many are recorded in one transaction
Status recordFinishedTrial(Database& database, const TrialRecord& trial, MetricKindIds* known = nullptr);
/// Errors: NotFound.
Status updateTrialStatus(Database& database, const TrialId& id, TrialStatus status);
Result<int> countRunningTrials(Database& database);
/// @return how many were running
Result<int> interruptTrials(Database& database);

/// In order of insertion, with first measurements and tags, without layer metrics.
Result<std::vector<TrialRecord>> readTrials(Database& database);
/// Likewise, but only id, label, seed, status, workload and the metrics of these names.
Result<std::vector<TrialRecord>> readTrialsWithMetrics(Database& database, std::span<const std::string> names);
/// All of one trial. Errors: NotFound.
Result<TrialRecord> readTrial(Database& database, const TrialId& id);

} // namespace paretoscope::core
