// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/prediction/generation.h"

#include <functional>
#include <string>
#include <vector>

namespace paretoscope::roofline {

/// What one change would do to a step.
struct Change
{
    std::string name;   ///< "weights in 4 bits (int4-g128)"
    double seconds = 0; ///< of the step after it
};

/// Why a step is not faster.
struct Explanation
{
    Bound bound = Bound::Memory;     ///< that takes most of the time
    double share = 0;                ///< of the time that it bounds
    std::string_view operation = {}; ///< the one that takes the most time
    double operationShare = 0;
    std::vector<Change> changes = {}; ///< those that help, the best first
    bool isTried = true;              ///< whether changes were looked for

    /// One sentence: the bound, its share, the change that would help most.
    std::string sentence(double seconds) const;
};

/// Makes the same step under other conditions.
using PredictAgain = std::function<core::Result<StepPrediction>(
    const Execution& execution, const HardwareSpec& hardware, const Efficiency& efficiency)>;
/// Errors: those of `again`.
core::Result<Explanation> explain(const PredictAgain& again, const Execution& execution, const HardwareSpec& hardware,
                                  const Efficiency& efficiency, const StepPrediction& prediction);

/// Errors: those of predictStep().
core::Result<Explanation> explain(const ModelShape& model, const Execution& execution, const Step& step,
                                  const HardwareSpec& hardware, const Efficiency& efficiency,
                                  const StepPrediction& prediction);

} // namespace paretoscope::roofline
