// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/model_shape.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::roofline {

namespace {

double parametersOf(const std::optional<NormShape>& norm)
{
    return norm ? norm->parameters() : 0;
}

double parametersOf(const std::optional<LinearShape>& linear)
{
    return linear ? linear->parameters() : 0;
}

double parametersOf(const AttentionShape& a)
{
    return a.query.parameters() + a.key.parameters() + a.value.parameters() + a.output.parameters() +
           parametersOf(a.queryNorm) + parametersOf(a.keyNorm) + a.sinks;
}

double parametersOf(const LatentAttentionShape& a)
{
    return parametersOf(a.queryDown) + parametersOf(a.queryNorm) + a.query.parameters() + a.keyValueDown.parameters() +
           a.keyValueNorm.parameters() + a.keyValue.parameters() + a.output.parameters();
}

double parametersOf(const LinearAttentionShape& a)
{
    return a.input.parameters() + a.output.parameters();
}

double parametersOf(const MlpShape& mlp)
{
    return mlp.parameters();
}

double parametersOf(const MoeShape& moe)
{
    return moe.router.parameters() + (moe.choiceBias ? moe.experts : 0) + moe.experts * moe.expert.parameters() +
           (moe.shared ? moe.shared->parameters() : 0) + parametersOf(moe.sharedGate);
}

} // namespace

double parametersOf(const LayerShape& layer)
{
    double sum = parametersOf(layer.conditioning);
    for (const SublayerShape& sublayer : layer.sublayers)
        sum += parametersOf(sublayer.norm) + parametersOf(sublayer.postNorm) + parametersOf(sublayer.residualNorm) +
               std::visit([](const auto& part) { return parametersOf(part); }, sublayer.part);
    return sum;
}

int ModelShape::layers() const
{
    return std::accumulate(runs.begin(), runs.end(), 0,
                           [](int sum, const LayerRun& run) { return sum + static_cast<int>(run.layers.size()); });
}

double ModelShape::parameters() const
{
    double sum = vocabulary * embeddingWidth + positions * hidden + parametersOf(embeddingProjection) +
                 parametersOf(patchEmbedding) + parametersOf(finalNorm) + parametersOf(headProjection);
    if (!tied)
        sum += head.parameters();
    for (const LayerRun& run : runs)
        sum += run.count() * parametersOf(run.shape);
    for (const LinearShape& linear : projector)
        sum += linear.parameters();
    return sum;
}

std::vector<LayerShape> ModelShape::expanded() const
{
    std::vector<LayerShape> result(static_cast<std::size_t>(layers()));
    for (const LayerRun& run : runs) {
        for (const int layer : run.layers)
            result[static_cast<std::size_t>(layer)] = run.shape;
    }
    return result;
}

void ModelShape::setLayers(const std::vector<LayerShape>& shapes)
{
    runs.clear();
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const auto equal =
            std::find_if(runs.begin(), runs.end(), [&](const LayerRun& run) { return run.shape == shapes[i]; });
        if (equal == runs.end())
            runs.push_back({shapes[i], {static_cast<int>(i)}});
        else
            equal->layers.push_back(static_cast<int>(i));
    }
}

} // namespace paretoscope::roofline
