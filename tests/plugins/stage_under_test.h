// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/host/plugin_host.h"

#include <string>

namespace paretoscope::tests {

/// A stage of the built plugin, with the defaults of its manifest.
inline core::Result<std::unique_ptr<engine::Stage>> makeStage(engine::PluginHost& host, const std::string& plugin,
                                                              const core::Json& parameters)
{
    PSC_ASSIGN(const core::PluginManifest* manifest, host.catalogue().find(plugin));
    core::StageSpec spec;
    spec.plugin = manifest->id;
    spec.version = manifest->version;
    PSC_ASSIGN(spec.parameters, core::resolveParameters(*manifest, parameters));
    return host.makeStage(spec);
}

/// A model of one block with these linear weights.
inline engine::ModelView viewOf(std::initializer_list<std::pair<std::int64_t, std::int64_t>> outByIn)
{
    engine::ModelView view;
    view.workload = "causal-lm";
    view.blocks = 1;
    for (const auto& [out, in] : outByIn) {
        engine::Unit unit;
        unit.module = "model.layers.0.linear" + std::to_string(view.units.size());
        unit.tensor = unit.module + ".weight";
        unit.block = 0;
        unit.outFeatures = out;
        unit.inFeatures = in;
        unit.input = "input" + std::to_string(view.units.size());
        view.units.push_back(unit);
    }
    return view;
}

} // namespace paretoscope::tests
