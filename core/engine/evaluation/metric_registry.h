// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/plugin/metric.h"
#include "core/engine/trial_observer.h"
#include "core/engine/warm_model.h"
#include "core/memory/memory_plan.h"
#include "core/sweep/sweep.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// What metrics are made from. All of it outlives the metric.
struct MetricContext
{
    WarmModel& model;
    /// The model of the option `baseline`; without one the model itself, as it is before any stage.
    /// Errors: those of loading; InvalidArgument when its vocabulary is another one.
    std::function<core::Result<const WarmModel*>(const core::Json& options)> baseline;
    const TensorCache& references; ///< of what baselines say
    core::Json conditions;         ///< what bits follow from beside model and tokens: numerics version, threads, device
    TrialObserver& observer;
    core::MemoryPlan memory = {}; ///< passes of a baseline keep to it as well
};

/// Makes the metric that a sweep's `evaluate` entry or an option of the `evaluate` verb names.
/// Errors: InvalidArgument (unknown metric or option, with the near one); those of reading its data.
core::Result<std::unique_ptr<Metric>> makeMetric(const core::MetricSpec& spec, const MetricContext& context);

} // namespace paretoscope::engine
