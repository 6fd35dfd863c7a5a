// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/execution.h"

#include "core/base/json.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace paretoscope::roofline {

namespace {

constexpr double kMost = 2147483648.0;

/// Comparisons are written so that NaN fails.
core::Status require(const char* name, double value, double least, double most)
{
    if (value >= least && value <= most)
        return core::success();
    return core::Error {
        core::ErrorCode::InvalidArgument, std::string(name) + " is " + core::canonicalJson(core::Json(value)),
        "give a value from " + core::canonicalJson(core::Json(least)) + " to " + core::canonicalJson(core::Json(most))};
}

core::Status checkWeights(const WeightFormat& format)
{
    PSC_TRY(require("the bits of a weight", format.bits, 0.01, 64));
    PSC_TRY(require("the bits of a scale", format.scaleBits, 0, 1024));
    PSC_TRY(require("the bits of a zero point", format.zeroBits, 0, 1024));
    PSC_TRY(require("the group size", format.groupSize, 0, kMost));
    PSC_TRY(require("the share of outliers", format.outlierDensity, 0, 1));
    PSC_TRY(require("the density", format.sparsity.density, 0, 1));
    PSC_TRY(require("the ratio of lossless coding", format.compression, 0.001, 2));
    if (format.sparsity.kept > 0)
        PSC_TRY(require("M of N:M", format.sparsity.of, format.sparsity.kept, 64));
    PSC_TRY(require("the bits of an index", format.sparsity.indexBits, 0, 64));
    PSC_TRY(require("the bits of an outlier's index", format.outlierIndexBits, 0, 64));
    if (format.lowRank) {
        PSC_TRY(require("the rank", format.lowRank->rank, 1, kMost));
        PSC_TRY(require("the bits of a factor", format.lowRank->bits, 0.01, 64));
    }
    if (format.codebooks) {
        PSC_TRY(require("the number of codebooks", format.codebooks->books, 1, 65536));
        PSC_TRY(require("the entries of a codebook", format.codebooks->entries, 2, kMost));
        PSC_TRY(require("the weights of a codebook's entry", format.codebooks->length, 1, kMost));
    }
    if (format.decodeBytesPerSecond)
        PSC_TRY(require("the rate of lossless coding", *format.decodeBytesPerSecond, 1, 1e18));
    if (format.storedBits)
        PSC_TRY(require("the stored bits of a weight", *format.storedBits, 0, 4096));
    return core::success();
}

} // namespace

double Step::tokens() const
{
    double sum = 0;
    for (const SequenceGroup& group : groups)
        sum += group.sequences * group.queries;
    return sum;
}

bool Step::isPrefill() const
{
    return std::any_of(groups.begin(), groups.end(), [](const SequenceGroup& group) { return group.queries > 1; });
}

double KvFormat::kept(double visible) const
{
    if (keepRatio >= 1)
        return visible;
    return std::min(visible, std::max(keepTokens, std::ceil(keepRatio * visible)));
}

double KvFormat::bytesPerChannel(double tokens) const
{
    const double recent = std::min(recentTokens, tokens);
    return (tokens - recent) * (bits + metaBits) / 8 + recent * 2;
}

void Execution::setActivationBits(double bits)
{
    activations.bits = bits;
    if (bits < 16)
        activations.codes = CodeKind::Integer;
    if (bits > 16)
        streamBits = bits;
}

core::Status checkStep(const Step& step)
{
    if (step.groups.empty())
        return core::Error {core::ErrorCode::InvalidArgument, "a step without sequences", "give at least one"};
    for (const SequenceGroup& group : step.groups) {
        PSC_TRY(require("the batch", group.sequences, 1, kMost));
        PSC_TRY(require("the number of tokens", group.queries, 1, kMost));
        PSC_TRY(require("the number of visible tokens", group.visible, group.queries, kMost));
    }
    return require("the number of logit rows", step.logitRows, 0, kMost);
}

core::Status checkExecution(const Execution& e)
{
    for (const WeightFormat* format : {&e.weights, &e.headWeights, &e.embeddingWeights})
        PSC_TRY(checkWeights(*format));
    PSC_TRY(require("the bits of activations", e.activations.bits, 1, 64));
    PSC_TRY(require("the bits of the stream", e.streamBits, 1, 64));
    PSC_TRY(require("the bits of logits", e.logitBits, 1, 64));
    PSC_TRY(require("the bits of attention scores", e.scoreBits, 1, 64));
    PSC_TRY(require("the bits of router weights", e.routerBits, 1, 64));
    PSC_TRY(require("the number of observed queries", e.kv.observedQueries, 0, kMost));
    PSC_TRY(require("the bits of the cache", e.kv.bits, 0.01, 64));
    PSC_TRY(require("the metadata bits of the cache", e.kv.metaBits, 0, 64));
    PSC_TRY(require("the share of kept tokens", e.kv.keepRatio, 1e-6, 1));
    PSC_TRY(require("the number of kept tokens", e.kv.keepTokens, 0, kMost));
    PSC_TRY(require("the number of recent tokens", e.kv.recentTokens, 0, kMost));
    PSC_TRY(require("the number of layers per cache", e.kv.layersPerCache, 1, 4096));
    PSC_TRY(require("the page size", e.kv.pageTokens, 1, 65536));
    PSC_TRY(require("the query block", e.queryBlock, 0, 65536));
    PSC_TRY(require("the number of splits", e.decodeSplits, 1, 65536));
    PSC_TRY(require("the tensor-parallel size", e.parallel.tensor, 1, 65536));
    PSC_TRY(require("the pipeline-parallel size", e.parallel.pipeline, 1, 65536));
    PSC_TRY(require("the number of micro-batches", e.parallel.microBatches, 1, kMost));
    PSC_TRY(require("the expert-parallel size", e.parallel.expert, 1, 65536));
    PSC_TRY(require("the expert imbalance", e.parallel.expertImbalance, 1, 65536));
    if (e.fusion.activation && !e.fusion.gateUp)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the activation can be fused only into a joined gate and up",
                            "switch the fusion of gate and up on, too"};
    return core::success();
}

} // namespace paretoscope::roofline
