// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/cached_attention.h"

#include "core/engine/kernels/transformer.h"
#include "core/engine/kernels/wide_type.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace paretoscope::engine {

namespace {

/// Query rows whose probabilities are held at once.
constexpr std::int64_t kRows = 128;

/// Which entries the queries may see: bool [1 or kvHeads, rows, kept].
at::Tensor visible(const KvView& view, std::int64_t firstQuery, std::int64_t rows, const AttentionOptions& options)
{
    const auto index = view.key.options().dtype(at::kLong);
    // [1 or kvHeads, 1, kept]
    const at::Tensor entries = view.positions.defined()
                                   ? (view.positions.dim() == 2 ? view.positions.t() : view.positions.unsqueeze(0))
                                   : at::arange(view.key.size(0), index).unsqueeze(0);
    const at::Tensor keys = entries.unsqueeze(1);
    const at::Tensor queries = at::arange(firstQuery, firstQuery + rows, index).view({1, rows, 1});
    const at::Tensor mask = causalMask(keys, queries, options);
    return view.positions.defined() ? mask.logical_and(keys.ge(0)) : mask;
}

/// Query heads that share a key head become rows of it: [kvHeads, repeats * rows, keyDim].
at::Tensor groupByKeyHead(const at::Tensor& query, std::int64_t kvHeads)
{
    return query.unflatten(1, {kvHeads, -1}).permute({1, 2, 0, 3}).flatten(1, 2);
}

/// The inverse: [kvHeads, repeats * rows, valueDim] to [rows, heads * valueDim].
at::Tensor ungroup(const at::Tensor& mixed, std::int64_t rows)
{
    return mixed.unflatten(1, {-1, rows}).permute({2, 0, 1, 3}).flatten(1);
}

/// A single new token of a dense cache sees every entry, or the last of them.
KvView latest(const KvView& view, const AttentionOptions& options)
{
    const std::int64_t kept = view.key.size(0);
    std::int64_t seen = kept;
    if (options.window > 0)
        seen = std::min(seen, options.window);
    if (options.chunk > 0)
        seen = std::min(seen, (kept - 1) % options.chunk + 1);
    if (seen == kept)
        return view;
    return {view.key.narrow(0, kept - seen, seen), view.value.narrow(0, kept - seen, seen), {}};
}

at::Tensor fused(const at::Tensor& query, const KvView& view, const at::Tensor& mask, double scale)
{
    const std::int64_t kvHeads = view.key.size(1);
    const at::Tensor mixed = at::scaled_dot_product_attention(
        groupByKeyHead(query, kvHeads).unsqueeze(0), view.key.transpose(0, 1).unsqueeze(0),
        view.value.transpose(0, 1).unsqueeze(0), mask.defined() ? std::optional(mask.unsqueeze(0)) : std::nullopt, 0.0,
        false, scale);
    return ungroup(mixed.squeeze(0), query.size(0));
}

/// Softmax over the entries and, where there is one, the sink of the head. @param scores [heads, rows, kept]
at::Tensor softmaxWithSinks(const at::Tensor& scores, const at::Tensor& sinks)
{
    if (!sinks.defined())
        return at::softmax(scores, -1);
    const at::Tensor sink = sinks.view({-1, 1, 1}).expand({scores.size(0), scores.size(1), 1});
    return at::softmax(at::cat({scores, sink}, -1), -1).narrow(-1, 0, scores.size(-1));
}

} // namespace

at::Tensor cachedAttention(const at::Tensor& query, const KvView& view, std::int64_t firstQuery,
                           const AttentionOptions& options)
{
    if (options.softCap > 0 || options.sinks.defined())
        return explicitAttention(query, view, firstQuery, options, {});
    if (query.size(0) == 1 && !view.positions.defined())
        return fused(query, latest(view, options), {}, options.scale);
    const std::int64_t repeats = query.size(1) / view.key.size(1);
    const at::Tensor mask = visible(view, firstQuery, query.size(0), options).repeat({1, repeats, 1});
    return fused(query, view, mask, options.scale);
}

at::Tensor explicitAttention(const at::Tensor& query, const KvView& view, std::int64_t firstQuery,
                             const AttentionOptions& options, const ProbabilityVisitor& visit)
{
    const std::int64_t kvHeads = view.key.size(1);
    const std::int64_t heads = query.size(1);
    const std::int64_t kept = view.key.size(0);
    const at::Tensor keys = view.key.permute({1, 2, 0});  // [kvHeads, keyDim, kept]
    const at::Tensor values = view.value.transpose(0, 1); // [kvHeads, kept, valueDim]
    std::vector<at::Tensor> parts;
    for (std::int64_t first = 0; first < query.size(0); first += kRows) {
        const std::int64_t rows = std::min(kRows, query.size(0) - first);
        at::Tensor scores = at::matmul(groupByKeyHead(query.narrow(0, first, rows), kvHeads), keys) * options.scale;
        scores = softCapped(widened(scores), options.softCap);
        const at::Tensor mask = visible(view, firstQuery + first, rows, options).unsqueeze(1);
        scores = scores.view({kvHeads, -1, rows, kept})
                     .masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity())
                     .view({heads, rows, kept});
        at::Tensor probabilities = softmaxWithSinks(scores, options.sinks);
        if (visit)
            probabilities = visit(first, probabilities);
        probabilities = probabilities.to(values.scalar_type());
        parts.push_back(ungroup(at::matmul(probabilities.reshape({kvHeads, -1, kept}), values), rows));
    }
    return parts.size() == 1 ? parts.front() : at::cat(parts);
}

} // namespace paretoscope::engine
