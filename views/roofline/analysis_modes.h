// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_analysis.h"

namespace paretoscope::views {

// The three kinds of mode behind analyseRoofline() and rooflineResults().

core::Result<RooflineAnalysis> analyseAccurately(const RooflineCase& wanted);
core::Result<std::vector<roofline::Derivation>> accurateResults(const RooflineCase& wanted);

/// Of the model itself, however a trial stores it: our engine computes in float32. The case has a machine.
core::Result<RooflineAnalysis> analyseCalibrated(const RooflineCase& wanted);
core::Result<std::vector<roofline::Derivation>> calibratedResults(const RooflineCase& wanted);

core::Result<RooflineAnalysis> analyseAsLlmViewer(const roofline::llm_viewer::Model& model,
                                                  const roofline::HardwareSpec& device, const RooflineSetting& setting);
core::Result<std::vector<roofline::Derivation>> llmViewerResults(const roofline::llm_viewer::Model& model,
                                                                 const roofline::HardwareSpec& device,
                                                                 const RooflineSetting& setting);

/// Sets the share of every operation and the time of the stage.
void takeShares(RooflineAnalysis& analysis);

} // namespace paretoscope::views
