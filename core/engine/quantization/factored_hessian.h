// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/stage.h"

namespace paretoscope::engine {

struct FactorOptions
{
    bool sorted = false;   ///< columns by falling diagonal (ties by index) instead of as they come
    double damping = 0.01; ///< times the mean diagonal, added to the diagonal; ten times more until that suffices
};

/// What methods that settle one input after the other need of the Hessian H of these inputs.
struct FactoredHessian
{
    at::Tensor dead {};   ///< bool [n]: inputs that are always zero, for which no weight matters; 1 on the diagonal
    at::Tensor order {};  ///< int64 [n]: the columns as they are settled
    at::Tensor factor {}; ///< float32 [n, n] as inverseFactor; undefined: all inputs are dead, or H stays indefinite
    double damping = 0;   ///< what made H positive definite; 0 without a factor

    bool allDead() const { return dead.all().item<bool>(); }
};

/// @param hessian float32 [n, n], symmetric. Memory: 8 n² bytes beside it, of which half stays.
FactoredHessian factorise(const at::Tensor& hessian, const FactorOptions& options);

/// Of what `unit` reads; the factor is made once for all units and trials that share the statistic "hessian".
/// Errors: those of StageTask::statistic.
core::Result<FactoredHessian> factorise(StageTask& task, const Unit& unit, const FactorOptions& options);

} // namespace paretoscope::engine
