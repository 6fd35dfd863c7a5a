// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/stage.h"

#include <numeric>
#include <set>
#include <string>

namespace paretoscope::engine {

/// Of a stage that puts the tensors of another checkpoint in place of all: every unit, one after the other, with
/// checkpoints open that an interrupted trial opens again.
inline StagePlan planOfWholeModel(const ModelView& model)
{
    StagePlan plan;
    plan.targets.resize(model.units.size());
    std::iota(plan.targets.begin(), plan.targets.end(), std::size_t(0));
    plan.keepsState = true;
    return plan;
}

/// Names of the tensors that hold units; the others (norms, biases, embeddings) are not units of compression.
inline std::set<std::string> unitTensors(const ModelView& model)
{
    std::set<std::string> names;
    for (const Unit& unit : model.units)
        names.insert(unit.tensor);
    return names;
}

} // namespace paretoscope::engine
