// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/stage.h"

#include <string>
#include <string_view>

namespace paretoscope::engine {

/// Whether this is an expert of a mixture that fewer than `minTokens` calibration tokens were routed to: statistics of
/// so few guide worse than none. Then it is recorded and warned of, with what the stage does instead.
inline bool isSeldomExpert(StageTask& task, const Unit& unit, std::int64_t minTokens, std::string_view instead)
{
    const std::int64_t tokens = task.tokens(unit);
    if (unit.expert < 0 || tokens >= minTokens)
        return false;
    task.record(unit, "tokens", static_cast<double>(tokens));
    task.warn(unit, "fewer than " + std::to_string(minTokens) + " calibration tokens were routed to this expert; " +
                        std::string(instead));
    return true;
}

/// The Hessian of what a unit reads. One of a few tokens would fit their directions and forget all others: for a seldom
/// expert the identity stands for inputs of which nothing is known. Errors: those of StageTask::statistic.
inline core::Result<at::Tensor> hessianOrIdentity(StageTask& task, const Unit& unit, std::int64_t minTokens,
                                                  std::string_view instead)
{
    if (isSeldomExpert(task, unit, minTokens, instead))
        return at::eye(unit.inFeatures, task.weight(unit).options());
    PSC_ASSIGN(const StatisticValue hessian, task.statistic(unit, "hessian"));
    return hessian.value;
}

} // namespace paretoscope::engine
