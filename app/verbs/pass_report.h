// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"
#include "roofline/prediction/generation.h"

namespace paretoscope::app {

/// What `roofline` computes with, made of its options.
struct RooflineInputs
{
    std::string model;
    roofline::ModelShape shape;
    roofline::Execution execution;
    roofline::Efficiency efficiency;
    std::optional<roofline::ModelShape> vision; ///< encoder and projector of a model that reads images
    std::string trial;                          ///< id of the trial that made the model; empty: none
    std::optional<double> storedBytes;          ///< of its tensors
    std::vector<std::string> remarks;           ///< what of its compression is not used
};

/// `roofline` for a model without vocabulary (diffusion and vision transformers): passes over all tokens of images.
Outcome reportPasses(const RooflineRequest& request, const RooflineInputs& inputs,
                     const roofline::HardwareSpec& hardware, Session& session);

} // namespace paretoscope::app
