// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/engine_step.h"
#include "roofline/prediction/explanation.h"
#include "roofline/prediction/generation.h"

namespace paretoscope::roofline {

/// What an answer takes with our own engine on a machine that was measured with a model: as predictGeneration(), by the
/// calibration. Of more decode steps than kMostDecodeSteps equally spaced ones stand for all.
/// Errors: Unsupported (the profile was measured without a model); those of engineStep() and memoryNeed().
core::Result<GenerationPrediction> predictCalibrated(const MachineProfile& machine, const ModelShape& model,
                                                     const Request& request);
inline constexpr int kMostDecodeSteps = 512;

/// The bound that takes the most time and the longest operation; without changes that would help.
Explanation explainCalibrated(const StepPrediction& prediction);

} // namespace paretoscope::roofline
