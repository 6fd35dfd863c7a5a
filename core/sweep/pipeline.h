// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <cstddef>
#include <string>
#include <vector>

namespace paretoscope::core {

/// One plugin with all its parameters.
struct StageSpec
{
    std::string plugin; ///< full id, "quantization/gptq"
    std::string version;
    Json parameters; ///< resolved: defaults included
    Json given;      ///< as the user wrote them; only for labels
    bool needsCalibration = false;
    std::vector<std::string> models = {}; ///< parameters that are the path of a model, or paths of files
    std::vector<std::string> cuts = {};   ///< parameters that cut what one run made (levels)
};

/// Ordered stages; empty = the uncompressed baseline.
struct Pipeline
{
    std::vector<StageSpec> stages;

    /// What is computed one after the other and may be shared: every stage, and after one that has levels the cut.
    struct Step
    {
        std::size_t stage = 0; ///< index
        bool isCut = false;
    };
    std::vector<Step> steps() const;
    /// Its first steps; where the cut of the last stage is not among them, without the parameters that cut.
    Pipeline beginning(std::size_t steps) const;
    /// "baseline", "gptq(bits=3,group_size=64)", stages joined by " + ". Only parameters the user gave are listed.
    std::string label() const;
    bool needsCalibration() const;
};

} // namespace paretoscope::core
