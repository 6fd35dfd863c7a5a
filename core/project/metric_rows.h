// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace paretoscope::core {

/// Rows of `metric` that were met in one transaction.
using MetricKindIds = std::unordered_map<std::string, std::int64_t>;

// Tables metric (what is measured under which conditions) and trial_metric (the measurements).

/// Adds the measurements of one run. The same value under the same conditions again only counts as a confirmation (a
/// resumed or repeated run); another value is kept beside the first as a replicate.
/// @return the names of metrics that contradict what was there: same result, same protocol, other value. Never those
/// of times and peak memory, which differ from run to run.
Result<std::vector<std::string>> recordMeasurements(Database& database, std::int64_t trialRow,
                                                    std::optional<std::int64_t> attemptRow,
                                                    std::span<const MetricRecord> metrics,
                                                    MetricKindIds* known = nullptr);

/// Whether two values of one result under the same conditions are the same measurement: equal threads on the same
/// device give equal bits, which leaves room for a decimal round trip only.
bool measurementsAgree(std::optional<double> a, std::optional<double> b);
/// Times and peak memory.
bool variesFromRunToRun(std::string_view metric, std::string_view unit);

/// Calls `take(trialRow, metric)` with the first measurement of each kind of all trials, in order of recording.
Status readMeasurements(Database& database, const std::function<void(std::int64_t, MetricRecord)>& take);
/// All measurements of one trial; of those of one kind each value once. First those that are shown, in order of
/// recording, then what contradicts them.
Result<std::vector<MetricRecord>> readMeasurementsOf(Database& database, std::int64_t trialRow);

/// Calls `take(trialRow, metric)` with the first measurement of each kind that has one of these names: the value
/// and its conditions, without standard error and details.
Status readMeasurementsNamed(Database& database, std::span<const std::string> names,
                             const std::function<void(std::int64_t, MetricRecord)>& take);

} // namespace paretoscope::core
