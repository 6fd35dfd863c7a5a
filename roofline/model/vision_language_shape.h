// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/model/model_shape.h"

#include <filesystem>

namespace paretoscope::roofline {

/// A language model that reads images: an encoder with the projector behind it, and the model that reads its tokens.
struct VisionLanguageShape
{
    ModelShape vision = {};
    ModelShape language = {};

    /// Tokens of one image that the language model reads; 0: the configuration does not state them.
    double imageTokens() const { return vision.imageTokens / vision.projectorJoins; }
    double parameters() const { return vision.parameters() + language.parameters(); }
};

/// Whether a configuration has a text_config and a vision_config.
bool isVisionLanguage(const core::Json& config);

/// The projector is one linear where the configuration has a scale_factor (SmolVLM), two over joined tokens where the
/// encoder has a spatial_merge_size (Qwen2-VL), else two linears as wide as the language model (LLaVA).
/// Errors: those of visionTransformerShape and core::describeArchitecture.
core::Result<VisionLanguageShape> readVisionLanguageShape(const core::Json& config,
                                                          const std::filesystem::path& families);

} // namespace paretoscope::roofline
