// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/evaluation/evaluator.h"
#include "core/engine/runner/runner_session.h"
#include "core/sweep/trial_exchange.h"

#include <vector>

namespace paretoscope::engine {

/// Measures the metrics of these specifications in one pass over a model made from the warm one. Baselines that they
/// name are loaded, and kept until a measurement does not name them.
/// Errors: those of makeMetric, evaluate and the metrics; those of loading a baseline.
core::Result<std::vector<core::MetricRecord>>
measureMetrics(RunnerSession& session, const std::vector<core::MetricSpec>& specs, const EvaluationContext& evaluation);

} // namespace paretoscope::engine
