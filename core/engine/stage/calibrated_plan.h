// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/plugin/stage.h"

#include <utility>

namespace paretoscope::engine {

/// The parameter `propagate` that every calibrated stage has; step when it is absent.
inline Propagate propagateFrom(const core::Json& parameters)
{
    const std::string name = parameters.value("propagate", "step");
    return name == "original" ? Propagate::Original : name == "block" ? Propagate::Block : Propagate::Step;
}

/// Of a stage that works on its targets one by one by statistics of what they read, gathered as `propagate` says.
inline StagePlan calibratedPlan(std::vector<std::size_t> targets, std::vector<StatisticRequest> statistics,
                                const core::Json& parameters)
{
    StagePlan plan;
    plan.targets = std::move(targets);
    plan.statistics = std::move(statistics);
    plan.propagate = propagateFrom(parameters);
    return plan;
}

} // namespace paretoscope::engine
