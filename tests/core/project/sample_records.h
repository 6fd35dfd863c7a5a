// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

namespace paretoscope::core {

/// Records that fill every field, the same for the same `number`.
TrialId sampleId(int number);
TrialRecord sampleTrial(int number);
WorkloadRecord sampleWorkload();

/// Equality field by field; layer metrics and metrics too.
bool sameTrial(const TrialRecord& a, const TrialRecord& b);
bool sameMetric(const MetricRecord& a, const MetricRecord& b);

} // namespace paretoscope::core
