// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/pass_report.h"
#include "roofline/measured/machine_profile.h"

namespace paretoscope::app {

/// `roofline --mode accurate`: table of operations, times, memory, and why it is not faster.
Outcome reportPrediction(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::HardwareSpec& hardware, Session& session);
/// The same of a model that is read already.
Outcome reportPrediction(const RooflineRequest& request, RooflineInputs inputs, const roofline::HardwareSpec& hardware,
                         Session& session);

/// `roofline --mode calibrated`: the same of our own engine on a machine that was measured with a model.
Outcome reportCalibrated(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::MachineProfile& machine, Session& session);

/// Model and options. Errors: those of readModelShape() and of the two functions below.
core::Result<RooflineInputs> rooflineInputs(const RooflineRequest& request, const NamedConfig& model,
                                            const std::filesystem::path& families);
/// What a language model answers with, after --offload-bandwidth and --energy.
struct PredictedAnswer
{
    roofline::GenerationPrediction prediction = {};
    roofline::HardwareSpec hardware = {}; ///< with the bandwidth of all its memory together
    std::optional<roofline::Offload> offload = {};
};
/// Errors: those of predictGeneration().
core::Result<PredictedAnswer> predictAnswer(const RooflineRequest& request, const RooflineInputs& inputs,
                                            const roofline::HardwareSpec& hardware);
/// What the options say beside model and device. Errors: InvalidArgument, NotFound, naming the option's value.
core::Result<roofline::Execution> executionOf(const RooflineRequest& request);
core::Result<roofline::Efficiency> efficiencyOf(const RooflineRequest& request);
/// The same as the documents and the project keep it.
core::Json settingsJson(const RooflineRequest& request);

} // namespace paretoscope::app
