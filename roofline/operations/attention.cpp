// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::roofline {

namespace {

/// Rotation and norms of q and k, and the write to the cache, on one device.
class AttentionWriter
{
public:
    AttentionWriter(OperationList& list, const AttentionShape& shape)
        : m_list(list)
        , m_shape(shape)
        , m_execution(list.execution())
        , m_heads(shape.heads / list.execution().parallel.tensor)
        , m_kvHeads(std::max(1.0, shape.kvHeads / list.execution().parallel.tensor))
        , m_tokens(list.tokens())
        , m_bytes(list.streamBytes())
    {}

    Source write(Source input)
    {
        project(appendQuantisation(m_list, m_tokens, m_shape.query.in, input));
        normaliseQueries();
        rotateAndStore();
        Source result = m_execution.attention == AttentionKernel::Flash ? flash() : eager();
        result = appendQuantisation(m_list, m_tokens, queryWidth(), result);
        const LinearCall output {.name = "o_proj",
                                 .shape = &m_shape.output,
                                 .rows = m_tokens,
                                 .inParallel = static_cast<double>(m_execution.parallel.tensor)};
        result = appendLinear(m_list, output, result);
        return appendReduction(m_list, "attn_all_reduce", m_tokens * m_shape.output.out * m_bytes, result);
    }

private:
    double queryWidth() const { return m_heads * m_shape.headDim; }
    double keyWidth() const { return m_kvHeads * m_shape.headDim; }

    void project(Source input)
    {
        const auto call = [&](std::string_view name, const LinearShape& shape, double parallel) {
            return LinearCall {.name = name, .shape = &shape, .rows = m_tokens, .outParallel = parallel};
        };
        const double kvParallel = m_shape.kvHeads / m_kvHeads;
        LinearCall q = call("q_proj", m_shape.query, m_execution.parallel.tensor);
        LinearCall k = call("k_proj", m_shape.key, kvParallel);
        LinearCall v = call("v_proj", m_shape.value, kvParallel);
        if (!m_execution.fusion.qkv && !m_shape.storedFused) {
            m_query = appendLinear(m_list, q, input);
            m_key = appendLinear(m_list, k, input);
            m_value = appendLinear(m_list, v, input);
            return;
        }
        k.readsInput = false;
        v.readsInput = false;
        Operation joined = linearOperation(m_list, q);
        for (const Operation& part : {linearOperation(m_list, k), linearOperation(m_list, v)}) {
            joined.matrixFlops += part.matrixFlops;
            joined.vectorFlops += part.vectorFlops;
            joined.weightBytes += part.weightBytes;
            joined.activationOutBytes += part.activationOutBytes;
            joined.resultBytes += part.resultBytes;
            joined.columns += part.columns;
            joined.serialSeconds += part.serialSeconds;
            joined.l2Bytes += part.l2Bytes;
        }
        joined.name = "qkv_proj";
        m_query = m_key = m_value = m_list.add(joined, {input});
    }

    void normaliseQueries()
    {
        if (!m_shape.queryNorm && !m_shape.keyNorm)
            return;
        const double elements =
            m_tokens * ((m_shape.queryNorm ? queryWidth() : 0) + (m_shape.keyNorm ? keyWidth() : 0));
        const double weights = (m_shape.queryNorm ? m_shape.queryNorm->parameters() : 0) +
                               (m_shape.keyNorm ? m_shape.keyNorm->parameters() : 0);
        const double bytes = elements * m_bytes;
        m_query = m_key = m_list.add({.name = "qk_norm",
                                      .vectorFlops = 4 * elements,
                                      .weightBytes = weights * m_bytes,
                                      .activationInBytes = bytes,
                                      .activationOutBytes = bytes,
                                      .resultBytes = bytes},
                                     {m_query, m_key});
    }

    void rotateAndStore()
    {
        const double rotated = m_tokens * (queryWidth() + keyWidth());
        const double stored = m_tokens * 2 * keyWidth();
        Operation rope {.name = "rope",
                        .vectorFlops = 3 * rotated,
                        .activationInBytes = rotated * m_bytes,
                        .activationOutBytes = rotated * m_bytes,
                        .resultBytes = rotated * m_bytes};
        Operation store {.name = "kv_store",
                         .vectorFlops = m_execution.kv.bits < 16 ? 3 * stored : 0,
                         .activationInBytes = stored * m_bytes,
                         .cacheWriteBytes = 2 * keyWidth() * writtenBytesPerChannel()};
        if (m_shape.rotary && m_shape.cached && m_execution.fusion.rotaryStore) {
            store.name = "rope_kv_store";
            store.vectorFlops += rope.vectorFlops;
            store.activationInBytes = (rotated + m_tokens * keyWidth()) * m_bytes;
            store.activationOutBytes = m_tokens * queryWidth() * m_bytes;
            store.resultBytes = store.activationOutBytes;
            m_query = m_key = m_list.add(store, {m_query, m_key, m_value});
            return;
        }
        if (m_shape.rotary)
            m_query = m_key = m_list.add(rope, {m_query, m_key});
        if (m_shape.cached)
            m_key = m_list.add(store, {m_key, m_value});
    }

    double writtenBytesPerChannel() const { return m_tokens * (m_execution.kv.bits + m_execution.kv.metaBits) / 8; }

    /// Tokens a group attends to, after eviction.
    double attended(const SequenceGroup& group) const
    {
        return std::max(group.queries, m_execution.kv.kept(group.visible));
    }

    /// Tokens whose keys and values a group reads.
    double readTokens(const SequenceGroup& group) const
    {
        const double visible = attended(group);
        return m_shape.window > 0 ? std::min(visible, m_shape.window + group.queries - 1) : visible;
    }

    double cachedBytesPerChannel(double tokens) const
    {
        return m_shape.cached ? m_execution.kv.bytesPerChannel(tokens) : tokens * m_bytes;
    }

    /// Reads of keys and values from main memory per element: the blocks of queries share what stays in L2.
    double passes(const SequenceGroup& group, double blocks) const
    {
        const CacheGeometry& geometry = m_list.geometry();
        if (blocks <= 1 || !geometry.l2Bytes)
            return 1;
        const double atOnce = geometry.processors ? std::ceil(2.0 * *geometry.processors / blocks) : 1;
        const double tile = 2 * m_shape.headDim * cachedBytesPerChannel(readTokens(group)) *
                            std::min(group.sequences * m_kvHeads, atOnce);
        if (tile <= *geometry.l2Bytes)
            return 1;
        return std::max(1.0, m_shape.causal ? blocks / 2 : blocks);
    }

    Source flash()
    {
        const double rows = m_execution.queryBlock > 0 ? m_execution.queryBlock : (m_shape.headDim > 128 ? 64 : 128);
        const double bytes = m_tokens * queryWidth() * m_bytes;
        Operation attention {.name = "attention",
                             .activationInBytes = bytes,
                             .activationOutBytes = bytes,
                             .resultBytes = bytes,
                             .matrixType = attentionMatrixType(m_execution)};
        for (const SequenceGroup& group : m_list.groups()) {
            const double pairs = group.sequences * m_heads *
                                 attentionPairs(group.queries, attended(group), m_shape.window, m_shape.causal);
            const double pack = group.queries == 1 ? m_heads / m_kvHeads : 1;
            const double blocks = std::ceil(group.queries * pack / rows);
            const double cache = 2 * group.sequences * m_shape.headDim * cachedBytesPerChannel(readTokens(group));
            attention.matrixFlops += 4 * pairs * m_shape.headDim;
            attention.vectorFlops += 5 * pairs;
            attention.cacheReadBytes += m_kvHeads * cache * passes(group, blocks);
            attention.l2Bytes += blocks * (m_heads / pack) * cache * (m_shape.causal && blocks > 1 ? 0.5 : 1);
        }
        if (m_execution.decodeSplits > 1) {
            const double partials = m_execution.decodeSplits * m_tokens * m_heads * (m_shape.headDim + 2) * 4;
            attention.activationOutBytes += partials;
            attention.activationInBytes += partials;
        }
        attention.l2Bytes += 2 * bytes;
        appendSelection();
        return m_list.add(attention, {m_query, m_key, m_value});
    }

    Source eager()
    {
        const double queryBytes = m_tokens * queryWidth() * m_bytes;
        double scores = 0;
        double cache = 0;
        double repeated = 0;
        for (const SequenceGroup& group : m_list.groups()) {
            scores += group.sequences * m_heads * group.queries * attended(group);
            cache += group.sequences * keyWidth() * cachedBytesPerChannel(attended(group));
            if (m_kvHeads < m_heads) // keys and values are repeated for every query head: written, then read
                repeated += group.sequences * attended(group) * queryWidth() * m_bytes;
        }
        const double scoreBytes = scores * m_execution.scoreBits / 8;
        const MatrixType type = attentionMatrixType(m_execution);
        appendSelection();
        const Source products = m_list.add({.name = "qk_matmul",
                                            .matrixFlops = 2 * scores * m_shape.headDim,
                                            .activationInBytes = queryBytes + repeated,
                                            .activationOutBytes = scoreBytes + repeated,
                                            .cacheReadBytes = cache,
                                            .resultBytes = scoreBytes,
                                            .matrixType = type},
                                           {m_query, m_key});
        const Source weights = m_list.add({.name = "softmax",
                                           .vectorFlops = 5 * scores,
                                           .activationInBytes = scoreBytes,
                                           .activationOutBytes = scoreBytes,
                                           .resultBytes = scoreBytes},
                                          {products});
        return m_list.add({.name = "sv_matmul",
                           .matrixFlops = 2 * scores * m_shape.headDim,
                           .activationInBytes = scoreBytes + repeated,
                           .activationOutBytes = queryBytes + repeated,
                           .cacheReadBytes = cache,
                           .resultBytes = queryBytes,
                           .matrixType = type},
                          {weights, m_value});
    }

    /// Methods that keep only some tokens score them with the last queries of the prompt.
    void appendSelection()
    {
        const KvFormat& kv = m_execution.kv;
        if (kv.keepRatio >= 1 || kv.observedQueries <= 0)
            return;
        double flops = 0;
        for (const SequenceGroup& group : m_list.groups()) {
            if (group.queries > 1)
                flops += 2 * group.sequences * m_heads * kv.observedQueries * group.visible * m_shape.headDim;
        }
        if (flops > 0)
            m_list.add({.name = "kv_select", .matrixFlops = flops, .matrixType = attentionMatrixType(m_execution)},
                       {m_query, m_key});
    }

    OperationList& m_list;
    const AttentionShape& m_shape;
    const Execution& m_execution;
    double m_heads;
    double m_kvHeads;
    double m_tokens;
    double m_bytes;
    Source m_query = 0;
    Source m_key = 0;
    Source m_value = 0;
};

} // namespace

MatrixType attentionMatrixType(const Execution& execution)
{
    if (execution.fp8Attention)
        return MatrixType::Fp8;
    if (execution.streamBits > 16)
        return execution.allowTf32 ? MatrixType::Tf32 : MatrixType::Float32;
    return MatrixType::Float16;
}

double attentionPairs(double queries, double visible, double window, bool causal)
{
    if (!causal) {
        return queries * (window > 0 ? std::min(window, visible) : visible);
    }
    const double before = visible - queries;
    if (window <= 0)
        return queries * visible - queries * (queries - 1) / 2;
    // The first `open` queries see less than the window: before + 1, before + 2, …
    const double open = std::clamp(window - before, 0.0, queries);
    return open * before + open * (open + 1) / 2 + (queries - open) * window;
}

Source appendPart(OperationList& list, const AttentionShape& attention, Source input)
{
    return AttentionWriter(list, attention).write(input);
}

} // namespace paretoscope::roofline
