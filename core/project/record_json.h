// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

namespace paretoscope::core {

// Records as JSON, complete: what is written reads back equal.

Json toJson(const TrialRecord& trial);
Json toJson(const WorkloadRecord& workload);
Json toJson(const SweepRecord& sweep);
Json toJson(const EventRecord& event);

// Errors: Corrupt, naming the field.
Result<TrialRecord> trialRecordFromJson(const Json& json);
Result<WorkloadRecord> workloadRecordFromJson(const Json& json);
Result<SweepRecord> sweepRecordFromJson(const Json& json);
Result<EventRecord> eventRecordFromJson(const Json& json);

} // namespace paretoscope::core
