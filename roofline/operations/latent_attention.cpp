// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

#include <algorithm>

namespace paretoscope::roofline {

namespace {

/// FLOPs per token and per pair of the two ways to compute latent attention, without what both share.
struct Forms
{
    double absorbed = 0;
    double expanded = 0;
};

class LatentAttentionWriter
{
public:
    LatentAttentionWriter(OperationList& list, const LatentAttentionShape& shape)
        : m_list(list)
        , m_shape(shape)
        , m_execution(list.execution())
        , m_parallel(list.execution().parallel.tensor)
        , m_heads(shape.heads / m_parallel)
        , m_tokens(list.tokens())
        , m_bytes(list.streamBytes())
    {
        for (const SequenceGroup& group : list.groups()) {
            const double visible = attended(group);
            m_pairs += group.sequences * attentionPairs(group.queries, visible, 0, true);
            m_visible += group.sequences * visible;
        }
    }

    Source write(Source input)
    {
        project(input);
        store();
        const Forms forms = formFlops();
        const Source result = forms.absorbed <= forms.expanded ? absorbed() : expanded();
        const double width = m_heads * m_shape.valueDim;
        const LinearCall output {
            .name = "o_proj", .shape = &m_shape.output, .rows = m_tokens, .inParallel = m_parallel};
        const Source projected = appendLinear(m_list, output, appendQuantisation(m_list, m_tokens, width, result));
        return appendReduction(m_list, "attn_all_reduce", m_tokens * m_shape.output.out * m_bytes, projected);
    }

private:
    double keyDim() const { return m_shape.plainDim + m_shape.rotaryDim; }
    double cacheWidth() const { return m_shape.rank + m_shape.rotaryDim; }

    double attended(const SequenceGroup& group) const
    {
        return std::max(group.queries, m_execution.kv.kept(group.visible));
    }

    Forms formFlops() const
    {
        const double perHead = m_shape.plainDim + m_shape.valueDim;
        return {.absorbed = m_heads * (2 * m_tokens * m_shape.rank * perHead +
                                       2 * m_pairs * (2 * m_shape.rank + m_shape.rotaryDim)),
                .expanded =
                    m_heads * (2 * m_visible * m_shape.rank * perHead + 2 * m_pairs * (keyDim() + m_shape.valueDim))};
    }

    void project(Source input)
    {
        const double hidden = m_shape.keyValueDown.in;
        const Source rounded = appendQuantisation(m_list, m_tokens, hidden, input);
        Source query = rounded;
        if (m_shape.queryDown) {
            query =
                appendLinear(m_list, {.name = "q_down_proj", .shape = &*m_shape.queryDown, .rows = m_tokens}, rounded);
            if (m_shape.queryNorm)
                query = appendNorm(m_list, "q_norm", *m_shape.queryNorm, m_tokens, query);
            query = appendQuantisation(m_list, m_tokens, m_shape.query.in, query);
        }
        query = appendLinear(
            m_list, {.name = "q_proj", .shape = &m_shape.query, .rows = m_tokens, .outParallel = m_parallel}, query);
        // The latent is one for all heads: every device computes and keeps it whole.
        m_latent =
            appendLinear(m_list, {.name = "kv_down_proj", .shape = &m_shape.keyValueDown, .rows = m_tokens}, rounded);
        m_latent = appendNorm(m_list, "kv_norm", m_shape.keyValueNorm, m_tokens, m_latent);
        const double rotated = m_tokens * (m_heads + 1) * m_shape.rotaryDim;
        m_query = m_list.add({.name = "rope",
                              .vectorFlops = 3 * rotated,
                              .activationInBytes = rotated * m_bytes,
                              .activationOutBytes = rotated * m_bytes,
                              .resultBytes = rotated * m_bytes},
                             {query, m_latent});
    }

    void store()
    {
        const double stored = m_tokens * cacheWidth();
        m_latent = m_list.add({.name = "kv_store",
                               .vectorFlops = m_execution.kv.bits < 16 ? 3 * stored : 0,
                               .activationInBytes = stored * m_bytes,
                               .cacheWriteBytes = stored * (m_execution.kv.bits + m_execution.kv.metaBits) / 8},
                              {m_latent, m_query});
    }

    double cacheBytes() const
    {
        double bytes = 0;
        for (const SequenceGroup& group : m_list.groups())
            bytes += group.sequences * cacheWidth() * m_execution.kv.bytesPerChannel(attended(group));
        return bytes;
    }

    /// A block of the up-projection of keys and values, on its own.
    LinearShape block(double perHead) const
    {
        LinearShape shape = m_shape.keyValue;
        shape.out = m_shape.heads * perHead;
        return shape;
    }

    Source absorbed()
    {
        const LinearShape keys = block(m_shape.plainDim);
        const LinearShape values = block(m_shape.valueDim);
        const auto perHead = [&](std::string_view name, const LinearShape& shape, double in, double out) {
            Operation operation =
                linearOperation(m_list, {.name = name, .shape = &shape, .rows = m_tokens, .outParallel = m_parallel});
            operation.activationInBytes = m_tokens * m_heads * in * m_bytes;
            operation.activationOutBytes = m_tokens * m_heads * out * m_bytes;
            operation.resultBytes = operation.activationOutBytes;
            return operation;
        };
        const Source query = m_list.add(perHead("q_absorb", keys, m_shape.plainDim, m_shape.rank), {m_query});
        const double out = m_tokens * m_heads * m_shape.rank * m_bytes;
        const Source attention =
            m_list.add({.name = "attention",
                        .matrixFlops = 2 * m_heads * m_pairs * (2 * m_shape.rank + m_shape.rotaryDim),
                        .vectorFlops = 5 * m_heads * m_pairs,
                        .activationInBytes = m_tokens * m_heads * cacheWidth() * m_bytes,
                        .activationOutBytes = out,
                        .cacheReadBytes = cacheBytes(),
                        .resultBytes = out,
                        .matrixType = attentionMatrixType(m_execution)},
                       {query, m_query, m_latent});
        return m_list.add(perHead("v_up", values, m_shape.rank, m_shape.valueDim), {attention});
    }

    Source expanded()
    {
        // Also what earlier chunks left in the cache is expanded again.
        Operation expansion = linearOperation(
            m_list, {.name = "kv_up_proj", .shape = &m_shape.keyValue, .rows = m_visible, .outParallel = m_parallel});
        expansion.activationInBytes = 0;
        expansion.cacheReadBytes = cacheBytes();
        const Source keysAndValues = m_list.add(expansion, {m_latent});
        const double rotaryKeys = m_visible * m_shape.rotaryDim * m_bytes;
        const double out = m_tokens * m_heads * m_shape.valueDim * m_bytes;
        return m_list.add(
            {.name = "attention",
             .matrixFlops = 2 * m_heads * m_pairs * (keyDim() + m_shape.valueDim),
             .vectorFlops = 5 * m_heads * m_pairs,
             .activationInBytes = m_tokens * m_heads * keyDim() * m_bytes + expansion.activationOutBytes + rotaryKeys,
             .activationOutBytes = out,
             .resultBytes = out,
             .matrixType = attentionMatrixType(m_execution)},
            {m_query, keysAndValues});
    }

    OperationList& m_list;
    const LatentAttentionShape& m_shape;
    const Execution& m_execution;
    double m_parallel;
    double m_heads;
    double m_tokens;
    double m_bytes;
    double m_pairs = 0;   ///< over all sequences, of one head
    double m_visible = 0; ///< cached tokens of all sequences
    Source m_query = 0;
    Source m_latent = 0;
};

} // namespace

Source appendPart(OperationList& list, const LatentAttentionShape& attention, Source input)
{
    return LatentAttentionWriter(list, attention).write(input);
}

} // namespace paretoscope::roofline
