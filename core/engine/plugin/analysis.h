// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/unit.h"

#include <string>
#include <vector>

namespace paretoscope::engine {

/// One typed row for the project: an activation profile, a marker result, a roofline point.
struct AnalysisRecord
{
    std::string table; ///< "activation_profile", "marker_result", "roofline_point", "layer_metric"
    core::Json row;
};

/// Observes forward passes and reports what it saw (super experts, massive activations).
class Analysis
{
public:
    virtual ~Analysis() = default;
    /// The places it wants to read. Errors: Unsupported (the model lacks them).
    virtual core::Result<Hooks> observe(const ModelView& model) = 0;
    virtual core::Result<std::vector<AnalysisRecord>> finish() = 0;
};

} // namespace paretoscope::engine
