// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/stage_order.h"

#include "core/engine/stage/unit_selection.h"
#include "core/plugin/stage_role.h"

#include <vector>

namespace paretoscope::engine {

core::Status checkOrder(const core::Pipeline& pipeline, const core::PluginCatalogue& plugins, const ModelView& model)
{
    std::vector<std::vector<core::PlacedStage>> history(model.units.size());
    for (const core::StageSpec& stage : pipeline.stages) {
        PSC_ASSIGN(const core::PluginManifest* manifest, plugins.find(stage.plugin));
        const core::PlacedStage placed {manifest->role, manifest->alias()};
        PSC_ASSIGN(const std::vector<std::size_t> units, selectUnits(model, stage.parameters));
        for (const std::size_t unit : units) {
            const core::Status fits = core::checkSuccession(history[unit], placed);
            if (!fits.ok())
                return fits.error().withContext(model.units[unit].module);
            history[unit].push_back(placed);
        }
    }
    return core::success();
}

} // namespace paretoscope::engine
