// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/operations/step_operations.h"
#include "roofline/prediction/ceilings.h"

#include <array>
#include <vector>

namespace paretoscope::roofline {

/// One pass on one device: its operations, what each takes, and the sums.
struct StepPrediction
{
    StepOperations operations = {};
    std::vector<std::vector<Timing>> timings = {}; ///< per section, per operation; of one layer
    double seconds = 0;                            ///< of the pass, pipeline and micro-batches included
    double layerSeconds = 0;                       ///< sum over operations on one device, without the pipeline
    double flops = 0;
    double bytes = 0;
    std::array<double, 4> boundSeconds {}; ///< time of the operations bound by each, by Bound

    /// The bound that takes the most time.
    Bound bound() const;
    double boundShare(Bound which) const;
};

/// Errors: those of stepOperations() and Ceilings::requireRatesFor().
core::Result<StepPrediction> predictStep(const ModelShape& model, const Execution& execution, const Step& step,
                                         const Ceilings& ceilings, const CacheGeometry& geometry = {});

/// Operations that are no pass of a transformer, on one device. Errors: those of Ceilings::requireRatesFor().
core::Result<StepPrediction> predictOperations(StepOperations operations, const Ceilings& ceilings);

/// The cache of a device, for predictStep().
CacheGeometry geometryOf(const HardwareSpec& hardware);

} // namespace paretoscope::roofline
