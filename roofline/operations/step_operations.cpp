// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/step_operations.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

constexpr double kTokenIdBytes = 8;

struct SublayerNames
{
    std::string_view norm;
    std::string_view postNorm;
    std::string_view add;
};

SublayerNames namesOf(const PartShape& part)
{
    const bool isFeedForward = std::holds_alternative<MlpShape>(part) || std::holds_alternative<MoeShape>(part);
    return isFeedForward ? SublayerNames {"mlp_norm", "mlp_post_norm", "mlp_add"}
                         : SublayerNames {"attn_norm", "attn_post_norm", "attn_add"};
}

double headsOf(const PartShape& part)
{
    if (const auto* attention = std::get_if<AttentionShape>(&part))
        return attention->heads;
    if (const auto* latent = std::get_if<LatentAttentionShape>(&part))
        return latent->heads;
    const auto* linear = std::get_if<LinearAttentionShape>(&part);
    return linear ? linear->heads : 0;
}

core::Status checkParallel(const ModelShape& model, const Parallelism& parallel)
{
    for (const LayerRun& run : model.runs) {
        for (const SublayerShape& sublayer : run.shape.sublayers) {
            if (std::fmod(headsOf(sublayer.part), parallel.tensor) != 0)
                return Error {ErrorCode::InvalidArgument,
                              "the tensor-parallel size " + std::to_string(parallel.tensor) + " does not divide the " +
                                  std::to_string(static_cast<int>(headsOf(sublayer.part))) + " attention heads",
                              "choose a size that does"};
            const auto* moe = std::get_if<MoeShape>(&sublayer.part);
            if (moe && std::fmod(moe->experts, parallel.expert) != 0)
                return Error {ErrorCode::InvalidArgument,
                              "the expert-parallel size " + std::to_string(parallel.expert) + " does not divide the " +
                                  std::to_string(static_cast<int>(moe->experts)) + " experts",
                              "choose a size that does"};
        }
    }
    if (parallel.pipeline > model.layers())
        return Error {ErrorCode::InvalidArgument,
                      std::to_string(parallel.pipeline) + " pipeline stages are more than the " +
                          std::to_string(model.layers()) + " layers",
                      "choose fewer stages"};
    return core::success();
}

Section entrySection(const ModelShape& model, OperationList& list)
{
    const double tokens = list.tokens();
    const double bytes = list.streamBytes();
    if (model.patchEmbedding) {
        appendLinear(list, {.name = "patch_embed", .shape = &*model.patchEmbedding, .rows = tokens},
                     Operation::kStream);
        return {.name = "entry", .operations = list.take()};
    }
    const double elements = tokens * model.embeddingWidth;
    // Rows of the table are read in their own format; without one they are as wide as the stream.
    const double row = elements * list.execution().embeddingWeights.bits / 8;
    Operation embed {.name = "embed",
                     .activationInBytes = std::min(row, elements * bytes) + kTokenIdBytes * tokens,
                     .activationOutBytes = elements * bytes,
                     .resultBytes = elements * bytes};
    if (model.positions > 0) {
        embed.vectorFlops = tokens * model.hidden;
        embed.activationInBytes += tokens * model.hidden * bytes;
    }
    const Source embedded = list.add(embed, {Operation::kStream});
    if (model.embeddingProjection)
        appendLinear(list, {.name = "embed_proj", .shape = &*model.embeddingProjection, .rows = tokens}, embedded);
    return {.name = "entry", .operations = list.take()};
}

Section headSection(const ModelShape& model, const Step& step, OperationList& list)
{
    const Execution& execution = list.execution();
    const double rows = model.vocabulary > 0 ? step.logitRows : list.tokens();
    Source input = Operation::kStream;
    if (model.finalNorm)
        input = appendNorm(list, "final_norm", *model.finalNorm, rows, input);
    if (model.headProjection)
        input = appendLinear(list, {.name = "head_proj", .shape = &*model.headProjection, .rows = rows}, input);
    if (model.head.out > 0) {
        Operation head = linearOperation(list, {.name = "lm_head",
                                                .shape = &model.head,
                                                .rows = rows,
                                                .outParallel = static_cast<double>(execution.parallel.tensor),
                                                .format = &execution.headWeights});
        const double logits = rows * model.head.out / execution.parallel.tensor * execution.logitBits / 8;
        head.activationOutBytes = logits;
        head.resultBytes = logits;
        const Source scores = list.add(head, {input});
        if (execution.parallel.tensor > 1) {
            const double all = rows * model.head.out * execution.logitBits / 8;
            list.add({.name = "logits_all_gather",
                      .resultBytes = all,
                      .collective = Collective::AllGather,
                      .devices = execution.parallel.tensor,
                      .messageBytes = all},
                     {scores});
        }
    }
    return {.name = "head", .operations = list.take()};
}

Section projectorSection(const ModelShape& model, OperationList& list)
{
    static constexpr std::array<std::string_view, 2> kNames {"projector_1", "projector_2"};
    const double rows = list.tokens() / model.projectorJoins;
    Source input = Operation::kStream;
    for (std::size_t i = 0; i < model.projector.size(); ++i) {
        const LinearShape& linear = model.projector[i];
        if (i > 0) {
            const double elements = rows * linear.in;
            input = list.add({.name = "projector_act",
                              .vectorFlops = 8 * elements,
                              .activationInBytes = elements * list.streamBytes(),
                              .activationOutBytes = elements * list.streamBytes(),
                              .resultBytes = elements * list.streamBytes()},
                             {input});
        }
        input = appendLinear(list, {.name = kNames[i], .shape = &linear, .rows = rows}, input);
    }
    return {.name = "projector", .operations = list.take()};
}

/// One sublayer: norm, part, norm, sum. @return the stream behind it
Source appendSublayer(OperationList& list, const SublayerShape& sublayer, double hidden, Source stream)
{
    const SublayerNames names = namesOf(sublayer.part);
    const bool isFused = list.execution().fusion.addNorm;
    const double rows = list.streamRows();
    Source input = stream;
    if (sublayer.norm && !isFused)
        input = appendNorm(list, names.norm, *sublayer.norm, rows, input);
    Source result = std::visit([&](const auto& part) { return appendPart(list, part, input); }, sublayer.part);
    if (sublayer.postNorm)
        result = appendNorm(list, names.postNorm, *sublayer.postNorm, rows, result);
    // With fused kernels a sum is joined with the norm behind it: as many pairs as there are sublayers.
    const std::optional<NormShape>& joined = sublayer.residualNorm ? sublayer.residualNorm : sublayer.norm;
    if (isFused && joined)
        return appendAddNorm(list, names.add, *joined, rows, stream, result);
    result = appendAdd(list, names.add, rows, hidden, stream, result);
    if (sublayer.residualNorm)
        result = appendNorm(list, names.norm, *sublayer.residualNorm, rows, result);
    return result;
}

Section layerSection(const LayerRun& run, double hidden, double sequences, OperationList& list)
{
    if (run.shape.conditioning)
        appendLinear(list, {.name = "adaln", .shape = &*run.shape.conditioning, .rows = sequences}, Operation::kStream);
    Source stream = Operation::kStream;
    for (const SublayerShape& sublayer : run.shape.sublayers) {
        const Source behind = appendSublayer(list, sublayer, hidden, run.shape.parallel ? Operation::kStream : stream);
        stream = behind;
    }
    return {.name = "layer", .firstLayer = run.layers.front(), .count = run.count(), .operations = list.take()};
}

std::vector<SequenceGroup> scaled(std::vector<SequenceGroup> groups, double keep)
{
    for (SequenceGroup& group : groups) {
        group.queries = std::max(1.0, group.queries * keep);
        group.visible = std::max(group.queries, group.visible * keep);
    }
    return groups;
}

template <typename Value>
double summed(const std::vector<Section>& sections, Value value)
{
    double sum = 0;
    for (const Section& section : sections) {
        for (const Operation& operation : section.operations)
            sum += section.count * value(operation);
    }
    return sum;
}

} // namespace

double StepOperations::matrixFlops() const
{
    return summed(sections, [](const Operation& o) { return o.matrixFlops; });
}

double StepOperations::flops() const
{
    return summed(sections, [](const Operation& o) { return o.flops(); });
}

double StepOperations::bytes() const
{
    return summed(sections, [](const Operation& o) { return o.bytes(); });
}

core::Result<StepOperations> stepOperations(const ModelShape& model, const Execution& execution, const Step& step,
                                            const CacheGeometry& geometry)
{
    PSC_TRY(checkStep(step));
    PSC_TRY(checkExecution(execution));
    PSC_TRY(checkParallel(model, execution.parallel));
    StepOperations result;
    result.sections.reserve(model.runs.size() + 2);
    double sequences = 0;
    for (const SequenceGroup& group : step.groups)
        sequences += group.sequences;
    if (model.vocabulary > 0 || model.patchEmbedding) {
        OperationList entry(execution, geometry, step.groups);
        result.sections.push_back(entrySection(model, entry));
    }
    for (const LayerRun& run : model.runs) {
        const bool isPruned = run.shape.tokenKeep < 1;
        const std::vector<SequenceGroup> fewer =
            isPruned ? scaled(step.groups, run.shape.tokenKeep) : std::vector<SequenceGroup>();
        OperationList list(execution, geometry, isPruned ? fewer : step.groups);
        result.sections.push_back(layerSection(run, model.hidden, sequences, list));
    }
    if (step.logitRows > 0) {
        OperationList head(execution, geometry, step.groups);
        Section section = headSection(model, step, head);
        if (!section.operations.empty())
            result.sections.push_back(std::move(section));
    }
    if (!model.projector.empty()) {
        OperationList projector(execution, geometry, step.groups);
        result.sections.push_back(projectorSection(model, projector));
    }
    return result;
}

} // namespace paretoscope::roofline
