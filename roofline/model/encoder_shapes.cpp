// SPDX-License-Identifier: Apache-2.0
// Models that make one pass over all tokens of an image.
#include "core/base/json_fields.h"
#include "roofline/model/model_shape.h"

#include <cmath>
#include <limits>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

constexpr const char* kHint = "compare config.json with the one the model was published with";
constexpr double kMostLayers = 4096;

core::Result<double> dimension(core::JsonFields& fields, std::string_view name)
{
    PSC_ASSIGN(const auto value, fields.required<std::int64_t>(name));
    if (value < 1 || value > std::numeric_limits<std::int32_t>::max())
        return fields.error(name, std::to_string(value) + " is not possible");
    return static_cast<double>(value);
}

struct EncoderSizes
{
    double hidden = 0;
    double heads = 0;
    double layers = 0;
    double width = 0; ///< of the MLP
};

core::Status check(const EncoderSizes& sizes)
{
    if (sizes.layers > kMostLayers)
        return Error {ErrorCode::Corrupt, "config.json: more than 4096 layers", kHint};
    if (std::fmod(sizes.hidden, sizes.heads) != 0)
        return Error {ErrorCode::Corrupt, "config.json: the head size is not integral", kHint};
    return core::success();
}

LinearShape linear(double in, double out)
{
    return {.in = in, .out = out, .bias = true, .format = std::nullopt};
}

/// Attention without mask and cache, and an MLP of two linears, all with biases.
LayerShape encoderLayer(const EncoderSizes& sizes, bool learnsNorms)
{
    const NormShape norm {
        .kind = core::NormKind::Layer, .width = sizes.hidden, .bias = learnsNorms, .gain = learnsNorms};
    const LinearShape square = linear(sizes.hidden, sizes.hidden);
    AttentionShape attention {.heads = sizes.heads,
                              .kvHeads = sizes.heads,
                              .headDim = sizes.hidden / sizes.heads,
                              .query = square,
                              .key = square,
                              .value = square,
                              .output = square,
                              .causal = false,
                              .cached = false};
    MlpShape mlp {.up = linear(sizes.hidden, sizes.width),
                  .down = linear(sizes.width, sizes.hidden),
                  .activation = core::Activation::GeluTanh};
    LayerShape layer;
    layer.sublayers.push_back({.norm = norm, .part = std::move(attention)});
    layer.sublayers.push_back({.norm = norm, .part = std::move(mlp)});
    return layer;
}

} // namespace

core::Result<ModelShape> diffusionTransformerShape(const core::Json& config)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(config, "config.json"));
    EncoderSizes sizes;
    PSC_ASSIGN(sizes.hidden, dimension(fields, "hidden_size"));
    PSC_ASSIGN(sizes.heads, dimension(fields, "num_heads"));
    PSC_ASSIGN(sizes.layers, dimension(fields, "depth"));
    PSC_ASSIGN(const double ratio, fields.optional<double>("mlp_ratio", 4));
    if (!(ratio > 0 && ratio <= 1024))
        return fields.error("mlp_ratio", "it is " + core::shownValue(core::Json(ratio)));
    sizes.width = std::floor(ratio * sizes.hidden);
    PSC_TRY(check(sizes));
    LayerShape layer = encoderLayer(sizes, false);
    layer.conditioning = linear(sizes.hidden, 6 * sizes.hidden);
    ModelShape shape {.family = "dit", .hidden = sizes.hidden};
    shape.setLayers(std::vector<LayerShape>(static_cast<std::size_t>(sizes.layers), layer));
    return shape;
}

core::Result<ModelShape> visionTransformerShape(const core::Json& config)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(config, "config.json"));
    EncoderSizes sizes;
    PSC_ASSIGN(sizes.hidden, dimension(fields, "hidden_size"));
    PSC_ASSIGN(sizes.heads, dimension(fields, "num_attention_heads"));
    PSC_ASSIGN(sizes.layers, dimension(fields, "num_hidden_layers"));
    PSC_ASSIGN(sizes.width, dimension(fields, "intermediate_size"));
    PSC_ASSIGN(const double image, dimension(fields, "image_size"));
    PSC_ASSIGN(const double patch, dimension(fields, "patch_size"));
    PSC_TRY(check(sizes));
    if (std::fmod(image, patch) != 0)
        return fields.error("image_size", core::shownValue(core::Json(image)) + " is no multiple of patch_size");
    ModelShape shape {.family = "vit", .hidden = sizes.hidden};
    shape.imageTokens = (image / patch) * (image / patch);
    shape.patchEmbedding = linear(3 * patch * patch, sizes.hidden); // a patch of three colours
    shape.setLayers(std::vector<LayerShape>(static_cast<std::size_t>(sizes.layers), encoderLayer(sizes, true)));
    shape.finalNorm = NormShape {.kind = core::NormKind::Layer, .width = sizes.hidden, .bias = true, .gain = true};
    return shape;
}

} // namespace paretoscope::roofline
