// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/unit_selection.h"

#include "core/architecture/weight_module.h"

namespace paretoscope::engine {

core::Result<std::vector<std::size_t>> selectUnits(const ModelView& model, const core::Json& parameters)
{
    std::vector<core::WeightModule> modules;
    for (const Unit& unit : model.units)
        modules.push_back({unit.module, unit.kind == UnitKind::Linear && unit.block >= 0 && unit.byDefault});
    return core::selectModules(modules, parameters);
}

} // namespace paretoscope::engine
