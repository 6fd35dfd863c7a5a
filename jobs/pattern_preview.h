// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/weight_module.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <string>
#include <vector>

namespace paretoscope::jobs {

/// Which weights the stages of a sweep take by their parameters `include` and `exclude`, from configuration alone.
class PatternPreview
{
public:
    /// Stages that take the same weights.
    struct Selection
    {
        std::string stages;               ///< "gptq, rtn", "rtn(include=[*.mlp.*])"
        std::vector<std::string> modules; ///< in the order of the forward pass
    };

    /// Errors: those of reading model and architecture.
    static core::Result<PatternPreview> create(const core::WorkloadSpec& workload);

    std::size_t modules() const { return m_modules.size(); } ///< of the model, whether selected or not
    /// Selections of all pipelines, each once, in their order. Stages without patterns are left out.
    /// Errors: InvalidArgument (a pattern that matches nothing, a bad expression, nothing left; names the stage).
    core::Result<std::vector<Selection>> selections(const std::vector<core::Pipeline>& pipelines) const;

private:
    std::vector<core::WeightModule> m_modules;
    core::PluginCatalogue m_plugins;
};

/// Errors: those of PatternPreview, for every pattern that the sweep has or may come to choose.
core::Status requirePatternMatches(const core::Sweep& sweep);

/// Paths with the number of the block taken out and counted: "model.layers.*.mlp.up_proj (30)".
std::vector<std::string> summarised(const std::vector<std::string>& modules);

} // namespace paretoscope::jobs
