// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/memory.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paretoscope::roofline {

namespace {

constexpr std::int64_t kMostBatch = std::int64_t(1) << 20;
constexpr std::int64_t kMostPrompt = std::int64_t(1) << 30;

/// Stored bytes of the parts of a layer on one device.
class WeightCount
{
public:
    explicit WeightCount(const Execution& execution)
        : m_execution(execution)
        , m_tensor(execution.parallel.tensor)
    {}

    double of(const LinearShape& linear, double parallel, const WeightFormat* format = nullptr) const
    {
        if (linear.in * linear.out == 0) // a model without vocabulary
            return 0;
        const WeightFormat& stored = linear.format ? *linear.format : (format ? *format : m_execution.weights);
        return (linear.in * linear.out * bitsPerWeight(stored, linear.in, linear.out) / 8 +
                (linear.bias ? linear.out * m_execution.streamBytes() : 0)) /
               parallel;
    }
    double of(const std::optional<LinearShape>& linear) const { return linear ? of(*linear, 1) : 0; }
    double of(const NormShape& norm) const { return norm.parameters() * m_execution.streamBytes(); }
    double of(const std::optional<NormShape>& norm) const { return norm ? of(*norm) : 0; }

    double operator()(const AttentionShape& a) const
    {
        const double kvParallel = std::min<double>(m_tensor, a.kvHeads);
        return of(a.query, m_tensor) + of(a.key, kvParallel) + of(a.value, kvParallel) + of(a.output, m_tensor) +
               of(a.queryNorm) + of(a.keyNorm) + a.sinks * m_execution.streamBytes();
    }
    double operator()(const LatentAttentionShape& a) const
    {
        return of(a.queryDown) + of(a.queryNorm) + of(a.query, m_tensor) + of(a.keyValueDown, 1) + of(a.keyValueNorm) +
               of(a.keyValue, m_tensor) + of(a.output, m_tensor);
    }
    double operator()(const LinearAttentionShape& a) const { return of(a.input, m_tensor) + of(a.output, m_tensor); }
    double operator()(const MlpShape& mlp) const { return ofMlp(mlp, m_tensor); }
    double operator()(const MoeShape& moe) const
    {
        const double expert = m_execution.parallel.expert;
        const double router = moe.router.parameters() * m_execution.routerBits / 8;
        return router + (moe.choiceBias ? moe.experts * 4 : 0) +
               moe.experts * ofMlp(moe.expert, expert > 1 ? expert : m_tensor) +
               (moe.shared ? ofMlp(*moe.shared, m_tensor) : 0) + of(moe.sharedGate);
    }

private:
    double ofMlp(const MlpShape& mlp, double parallel) const
    {
        return (mlp.gate ? of(*mlp.gate, parallel) : 0) + of(mlp.up, parallel) + of(mlp.down, parallel);
    }

    const Execution& m_execution;
    double m_tensor;
};

double cachedTokens(const KvFormat& kv, double tokens, double window)
{
    double kept = kv.kept(tokens);
    if (window > 0)
        kept = std::min(kept, window);
    return std::ceil(kept / kv.pageTokens) * kv.pageTokens;
}

double cacheBytesOf(const PartShape& part, const Execution& execution, double tokens)
{
    const KvFormat& kv = execution.kv;
    if (const auto* a = std::get_if<AttentionShape>(&part)) {
        if (!a->cached)
            return 0;
        const double heads = std::max(1.0, a->kvHeads / execution.parallel.tensor);
        return 2 * heads * a->headDim * kv.bytesPerChannel(cachedTokens(kv, tokens, a->window)) / kv.layersPerCache;
    }
    if (const auto* a = std::get_if<LatentAttentionShape>(&part)) // one latent for all heads: not sharded
        return (a->rank + a->rotaryDim) * kv.bytesPerChannel(cachedTokens(kv, tokens, 0)) / kv.layersPerCache;
    if (const auto* a = std::get_if<LinearAttentionShape>(&part))
        return a->heads / execution.parallel.tensor * a->headDim * a->stateDim * execution.streamBytes();
    return 0;
}

/// The largest count in [1, most] for which `need` is at most `limit`; `need` rises.
template <typename Need>
core::Result<std::int64_t> largest(std::int64_t most, double limit, Need need)
{
    std::int64_t fits = 0;
    std::int64_t tooMany = most + 1;
    while (tooMany - fits > 1) {
        const std::int64_t middle = fits + (tooMany - fits) / 2;
        PSC_ASSIGN(const MemoryNeed found, need(middle));
        (found.total() <= limit ? fits : tooMany) = middle;
    }
    return fits;
}

/// The largest pass over the prompt.
Step promptPass(const Request& request)
{
    const double queries = request.isChunked() ? request.chunk : request.prompt;
    return {{{request.batch, queries, request.prompt}}, request.batch};
}

double sectionPeak(const Section& section, double streamBytes)
{
    const std::vector<Operation>& operations = section.operations;
    std::vector<std::size_t> lastUse(operations.size());
    std::size_t lastStreamUse = 0;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        lastUse[i] = i;
        for (const std::int16_t input : operations[i].inputs) {
            if (input >= 0)
                lastUse[static_cast<std::size_t>(input)] = i;
            else if (input == Operation::kStream)
                lastStreamUse = i;
        }
    }
    double live = section.name == "entry" ? 0 : streamBytes;
    double peak = live;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        live += operations[i].resultBytes;
        peak = std::max(peak, live);
        for (std::size_t j = 0; j <= i; ++j) {
            if (lastUse[j] == i && i + 1 < operations.size())
                live -= operations[j].resultBytes;
        }
        if (i == lastStreamUse && section.name != "entry")
            live -= streamBytes;
    }
    return peak;
}

} // namespace

double peakActivationBytes(const StepOperations& step, const ModelShape& model, const Execution& execution,
                           const Step& shape)
{
    const double stream = shape.tokens() * model.hidden * execution.streamBytes();
    double peak = 0;
    for (const Section& section : step.sections)
        peak = std::max(peak, sectionPeak(section, stream));
    return peak;
}

double weightBytes(const ModelShape& model, const Execution& execution)
{
    const WeightCount count(execution);
    double layers = 0;
    for (const LayerRun& run : model.runs) {
        double layer = count.of(run.shape.conditioning);
        for (const SublayerShape& sublayer : run.shape.sublayers)
            layer += count.of(sublayer.norm) + count.of(sublayer.postNorm) + count.of(sublayer.residualNorm) +
                     std::visit(count, sublayer.part);
        layers += run.count() * layer;
    }
    const Parallelism& parallel = execution.parallel;
    const LinearShape table {.in = model.embeddingWidth, .out = model.vocabulary, .bias = false, .format = {}};
    const double entry =
        count.of(table, parallel.tensor, model.tied ? &execution.headWeights : &execution.embeddingWeights) +
        model.positions * model.hidden * execution.streamBytes() + count.of(model.embeddingProjection) +
        count.of(model.patchEmbedding);
    double head =
        count.of(model.finalNorm) + count.of(model.headProjection) +
        (model.tied && parallel.pipeline == 1 ? 0 : count.of(model.head, parallel.tensor, &execution.headWeights));
    for (const LinearShape& linear : model.projector)
        head += count.of(linear, 1);
    if (parallel.pipeline == 1)
        return entry + layers + head;
    return layers / parallel.pipeline + std::max(entry, head);
}

double cacheBytes(const ModelShape& model, const Execution& execution, double tokens)
{
    double bytes = 0;
    for (const LayerRun& run : model.runs) {
        for (const SublayerShape& sublayer : run.shape.sublayers)
            bytes += run.count() * cacheBytesOf(sublayer.part, execution, tokens * run.shape.tokenKeep);
    }
    return bytes / execution.parallel.pipeline;
}

core::Result<MemoryNeed> memoryNeed(const ModelShape& model, const Execution& execution, const Request& request,
                                    double overheadBytes)
{
    PSC_ASSIGN(const StepOperations operations, stepOperations(model, execution, promptPass(request)));
    return memoryNeed(operations, model, execution, request, overheadBytes);
}

MemoryNeed memoryNeed(const StepOperations& pass, const ModelShape& model, const Execution& execution,
                      const Request& request, double overheadBytes)
{
    return {.weights = weightBytes(model, execution),
            .cache = request.batch * cacheBytes(model, execution, request.prompt + request.generated),
            .activations = peakActivationBytes(pass, model, execution, promptPass(request)),
            .overhead = overheadBytes};
}

std::optional<Offload> offload(double needBytes, const HardwareSpec& hardware, double linkBytesPerSecond)
{
    if (!hardware.memoryBytes || needBytes <= *hardware.memoryBytes)
        return std::nullopt;
    const double outside = needBytes - *hardware.memoryBytes;
    const double seconds =
        std::max(*hardware.memoryBytes / hardware.bandwidthBytesPerSecond, outside / linkBytesPerSecond);
    return Offload {.outsideBytes = outside, .bytesPerSecond = needBytes / seconds};
}

core::Result<std::int64_t> largestBatch(const ModelShape& model, const Execution& execution, Request request,
                                        double limitBytes, double overheadBytes)
{
    return largest(kMostBatch, limitBytes, [&](std::int64_t batch) {
        request.batch = static_cast<double>(batch);
        return memoryNeed(model, execution, request, overheadBytes);
    });
}

core::Result<std::int64_t> longestPrompt(const ModelShape& model, const Execution& execution, Request request,
                                         double limitBytes, double overheadBytes)
{
    return largest(kMostPrompt, limitBytes, [&](std::int64_t prompt) {
        request.prompt = static_cast<double>(prompt);
        return memoryNeed(model, execution, request, overheadBytes);
    });
}

} // namespace paretoscope::roofline
