// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/vision_language_shape.h"

#include "core/base/json_fields.h"

#include <cmath>

namespace paretoscope::roofline {

namespace {

constexpr std::int64_t kMostJoined = 64;

bool hasObject(const core::Json& config, const char* key)
{
    const auto found = config.find(key);
    return found != config.end() && found->is_object();
}

/// Tokens along one side of the square that becomes one token; 1 where nothing is said.
core::Result<double> joinedSide(const core::Json& config, const char* key)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(config, "config.json"));
    PSC_ASSIGN(const auto side, fields.optional<std::int64_t>(key, 1));
    if (side < 1 || side > kMostJoined)
        return fields.error(key, std::to_string(side) + " is not possible");
    return static_cast<double>(side);
}

LinearShape linear(double in, double out, bool bias)
{
    return {.in = in, .out = out, .bias = bias, .format = std::nullopt};
}

} // namespace

bool isVisionLanguage(const core::Json& config)
{
    return config.is_object() && hasObject(config, "text_config") && hasObject(config, "vision_config");
}

core::Result<VisionLanguageShape> readVisionLanguageShape(const core::Json& config,
                                                          const std::filesystem::path& families)
{
    const core::Json& encoder = config.at("vision_config");
    VisionLanguageShape shape;
    PSC_ASSIGN(shape.vision, visionTransformerShape(encoder));
    PSC_ASSIGN(shape.language, readModelShape(config, families));
    PSC_ASSIGN(const double scale, joinedSide(config, "scale_factor"));
    PSC_ASSIGN(const double merge, joinedSide(encoder, "spatial_merge_size"));
    const double side = scale * merge;
    ModelShape& vision = shape.vision;
    vision.projectorJoins = side * side;
    if (std::fmod(vision.imageTokens, vision.projectorJoins) != 0)
        return core::Error {core::ErrorCode::Corrupt,
                            "config.json: the " + std::to_string(static_cast<std::int64_t>(vision.imageTokens)) +
                                " tokens of an image cannot be joined by " +
                                std::to_string(static_cast<std::int64_t>(vision.projectorJoins)),
                            "compare config.json with the one the model was published with"};
    const double in = vision.hidden * vision.projectorJoins;
    const double out = shape.language.hidden;
    if (config.contains("scale_factor")) {
        vision.projector = {linear(in, out, false)};
    } else {
        const double width = encoder.contains("spatial_merge_size") ? in : out;
        vision.projector = {linear(in, width, true), linear(width, out, true)};
    }
    return shape;
}

} // namespace paretoscope::roofline
