// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/model/vision_language_shape.h"
#include "roofline/prediction/generation.h"

namespace paretoscope::roofline {

/// An answer about images, phase by phase: the encoder, the projector, the prefill over the tokens of images and text,
/// the decode steps.
struct VisionLanguagePrediction
{
    StepPrediction vision = {}; ///< encoder and projector, whose operations are the section "projector"
    double encoderSeconds = 0;
    double projectorSeconds = 0;
    double readTokens = 0; ///< of one sequence in the prefill, those of its images included
    /// With all phases: the time to the first token and the energy include those of the images, the weights the
    /// encoder.
    GenerationPrediction answer = {};
};

/// @param images  per sequence; with 0 it is the language model alone
/// Errors: those of predictGeneration(); InvalidArgument (images, or an image without tokens).
core::Result<VisionLanguagePrediction> predictVisionLanguage(const VisionLanguageShape& model,
                                                             const Execution& execution, const Request& request,
                                                             double images, const HardwareSpec& hardware,
                                                             const Efficiency& efficiency);

} // namespace paretoscope::roofline
