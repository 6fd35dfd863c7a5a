// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_analysis.h"

namespace paretoscope::views {

// What the accurate and the calibrated mode make of a predicted step.

/// What all steps of an analysis are computed with.
struct StepContext
{
    const roofline::ModelShape& model;
    const roofline::HardwareSpec& device;
    roofline::Execution execution;
    roofline::Efficiency efficiency;
    roofline::Ceilings ceilings;
};

roofline::Request requestOf(const RooflineSetting& setting);
/// The step that is shown: the prompt, else the first one behind it.
roofline::Step stepOf(const RooflineSetting& setting);
const roofline::StepPrediction& shownStep(const roofline::GenerationPrediction& prediction,
                                          const RooflineSetting& setting);
/// @param explained with how each number comes about
std::vector<AnalysedOperation> operationsOf(const roofline::StepPrediction& prediction, const StepContext& context,
                                            const roofline::Step& step, bool explained);
TimeBar barOf(const char* id, const roofline::StepPrediction& prediction);
/// The roofs of the number types that the operations of a pass run in.
std::vector<Roof> usedRoofs(const roofline::StepPrediction& prediction, const StepContext& context,
                            const RooflineSetting& setting);
/// Sums and shares of a step.
void appendStep(std::vector<roofline::Derivation>& results, const roofline::StepPrediction& step,
                const StepContext& context);

} // namespace paretoscope::views
