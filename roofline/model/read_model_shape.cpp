// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/model_shape.h"

#include <algorithm>

namespace paretoscope::roofline {

namespace {

LinearShape linearShape(const core::LinearSpec& linear)
{
    return {.in = static_cast<double>(linear.inFeatures),
            .out = static_cast<double>(linear.outFeatures),
            .bias = linear.bias,
            .format = std::nullopt};
}

std::optional<LinearShape> linearShape(const std::optional<core::LinearSpec>& linear)
{
    return linear ? std::optional(linearShape(*linear)) : std::nullopt;
}

NormShape normShape(const core::NormSpec& norm)
{
    return {.kind = norm.kind,
            .width = static_cast<double>(norm.width),
            .bias = !norm.bias.empty(),
            .gain = !norm.weight.empty()};
}

std::optional<NormShape> normShape(const std::optional<core::NormSpec>& norm)
{
    return norm ? std::optional(normShape(*norm)) : std::nullopt;
}

PartShape partShape(const core::AttentionSpec& spec)
{
    AttentionShape shape {.heads = static_cast<double>(spec.heads),
                          .kvHeads = static_cast<double>(spec.kvHeads),
                          .headDim = static_cast<double>(spec.headDim),
                          .output = linearShape(spec.output),
                          .storedFused = spec.layout != core::QkvLayout::Separate,
                          .queryNorm = normShape(spec.queryNorm),
                          .keyNorm = normShape(spec.keyNorm),
                          .rotary = spec.rotary.has_value(),
                          .window = static_cast<double>(spec.chunk > 0 ? spec.chunk : spec.window),
                          .sinks = spec.sinks.empty() ? 0 : static_cast<double>(spec.heads)};
    if (shape.storedFused) {
        const double in = static_cast<double>(spec.qkv.inFeatures);
        shape.query = {.in = in, .out = static_cast<double>(spec.queryWidth()), .bias = spec.qkv.bias, .format = {}};
        shape.key = {.in = in, .out = static_cast<double>(spec.keyWidth()), .bias = spec.qkv.bias, .format = {}};
        shape.value = shape.key;
    } else {
        shape.query = linearShape(spec.query);
        shape.key = linearShape(spec.key);
        shape.value = linearShape(spec.value);
    }
    return shape;
}

PartShape partShape(const core::LatentAttentionSpec& spec)
{
    return LatentAttentionShape {.heads = static_cast<double>(spec.heads),
                                 .plainDim = static_cast<double>(spec.plainDim),
                                 .rotaryDim = static_cast<double>(spec.rotaryDim),
                                 .valueDim = static_cast<double>(spec.valueDim),
                                 .rank = static_cast<double>(spec.rank),
                                 .queryDown = linearShape(spec.queryDown),
                                 .queryNorm = normShape(spec.queryNorm),
                                 .query = linearShape(spec.query),
                                 .keyValueDown = linearShape(spec.keyValueDown),
                                 .keyValueNorm = normShape(spec.keyValueNorm),
                                 .keyValue = linearShape(spec.keyValue),
                                 .output = linearShape(spec.output)};
}

MlpShape mlpShape(const core::MlpSpec& spec)
{
    MlpShape shape {.down = linearShape(spec.down), .activation = spec.activation};
    if (spec.form == core::MlpForm::FusedGated) {
        LinearShape half = linearShape(spec.gateUp);
        half.out /= 2;
        shape.gate = half;
        shape.up = half;
        shape.storedFused = true;
        return shape;
    }
    shape.up = linearShape(spec.up);
    if (spec.form == core::MlpForm::Gated)
        shape.gate = linearShape(spec.gate);
    return shape;
}

PartShape partShape(const core::MlpSpec& spec)
{
    return mlpShape(spec);
}

PartShape partShape(const core::MoeSpec& spec)
{
    return MoeShape {.router = linearShape(spec.router),
                     .choiceBias = !spec.choiceBias.empty(),
                     .experts = static_cast<double>(spec.rule.experts),
                     .chosen = static_cast<double>(spec.rule.chosen),
                     .expert = mlpShape(spec.experts.front()),
                     .shared = spec.shared ? std::optional(mlpShape(*spec.shared)) : std::nullopt,
                     .sharedGate = linearShape(spec.sharedGate),
                     .frequencies = {}};
}

LayerShape layerShape(const core::BlockSpec& block)
{
    LayerShape layer {.parallel = block.parallel};
    for (const core::SublayerSpec& sublayer : block.sublayers)
        layer.sublayers.push_back({.norm = normShape(sublayer.norm),
                                   .part = std::visit([](const auto& part) { return partShape(part); }, sublayer.part),
                                   .postNorm = normShape(sublayer.postNorm),
                                   .residualNorm = normShape(sublayer.residualNorm)});
    return layer;
}

} // namespace

ModelShape modelShape(const core::Architecture& architecture)
{
    const core::EntrySpec& entry = architecture.entry;
    const core::HeadSpec& head = architecture.head;
    ModelShape shape {.family = architecture.family,
                      .hidden = static_cast<double>(architecture.hiddenSize),
                      .vocabulary = static_cast<double>(architecture.vocabSize),
                      .embeddingWidth = static_cast<double>(entry.width),
                      .embeddingProjection = linearShape(entry.projection),
                      .finalNorm = normShape(head.norm),
                      .headProjection = linearShape(head.projection),
                      .head = {.in = static_cast<double>(head.width),
                               .out = static_cast<double>(head.vocabulary),
                               .bias = !head.bias.empty(),
                               .format = std::nullopt},
                      .tied = head.weight == entry.embedding,
                      .runs = {}};
    if (entry.positions)
        shape.positions = static_cast<double>(entry.positions->offset + entry.positions->positions);
    std::vector<LayerShape> layers;
    layers.reserve(architecture.blocks.size());
    std::transform(architecture.blocks.begin(), architecture.blocks.end(), std::back_inserter(layers), layerShape);
    shape.setLayers(layers);
    return shape;
}

core::Result<ModelShape> readModelShape(const core::Json& config, const std::filesystem::path& families)
{
    const auto text = config.is_object() ? config.find("text_config") : config.end();
    const auto has = [&](const char* key) { return config.is_object() && config.contains(key); };
    if (has("depth") && has("num_heads") && !has("model_type"))
        return diffusionTransformerShape(config);
    if (has("image_size") && has("patch_size") && !has("vocab_size"))
        return visionTransformerShape(config);
    const bool isNested = text != config.end() && text->is_object() && text->contains("model_type");
    PSC_ASSIGN(const core::Architecture architecture, core::describeArchitecture(isNested ? *text : config, families));
    return modelShape(architecture);
}

} // namespace paretoscope::roofline
