// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/metric.h"
#include "core/engine/warm_model.h"
#include "core/sweep/sweep.h"

#include <memory>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Makes the metric that a sweep's `evaluate` entry or an option of the `evaluate` verb names.
/// Errors: Unsupported (unknown metric, with the near one); those of its options and of reading its data.
core::Result<std::unique_ptr<Metric>> makeMetric(const core::MetricSpec& spec, WarmModel& model);

} // namespace paretoscope::engine
