// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/attention.h"

#include "core/engine/kernels/transformer.h"
#include "core/engine/kernels/wide_type.h"

#include <limits>
#include <vector>

namespace paretoscope::engine {

namespace {

/// Through libtorch's fused kernel, which needs no memory for the scores.
at::Tensor fusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& mask, double scale)
{
    const std::int64_t repeats = query.size(1) / key.size(1);
    const auto heads = [&](const at::Tensor& x, std::int64_t times) {
        return (times == 1 ? x : x.repeat_interleave(times, 1)).transpose(0, 1).unsqueeze(0);
    };
    const at::Tensor mixed = at::scaled_dot_product_attention(
        heads(query, 1), heads(key, repeats), heads(value, repeats),
        mask.defined() ? std::optional(mask) : std::nullopt, 0.0, !mask.defined(), scale);
    return mixed.squeeze(0).transpose(0, 1).reshape({query.size(0), -1});
}

/// With the scores at hand, one key/value head at a time so that they stay small.
at::Tensor explicitAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const at::Tensor& mask, const AttentionOptions& options)
{
    const std::int64_t tokens = query.size(0);
    const std::int64_t repeats = query.size(1) / key.size(1);
    const at::Tensor hidden = mask.logical_not();
    std::vector<at::Tensor> mixed;
    for (std::int64_t head = 0; head < key.size(1); ++head) {
        const at::Tensor group = query.narrow(1, head * repeats, repeats).transpose(0, 1); // [repeats, tokens, headDim]
        at::Tensor scores = widened(at::matmul(group * options.scale, key.select(1, head).t()));
        scores = softCapped(scores, options.softCap).masked_fill(hidden, -std::numeric_limits<double>::infinity());
        if (options.sinks.defined())
            scores = at::cat(
                {scores,
                 options.sinks.narrow(0, head * repeats, repeats).view({repeats, 1, 1}).expand({repeats, tokens, 1})},
                -1);
        const at::Tensor probabilities = at::softmax(scores, -1).narrow(-1, 0, key.size(0));
        mixed.push_back(at::matmul(probabilities.to(value.scalar_type()), value.select(1, head)));
    }
    return at::cat(mixed, 0).transpose(0, 1).reshape({tokens, -1});
}

} // namespace

at::Tensor causalMask(const at::Tensor& keys, const at::Tensor& queries, const AttentionOptions& options)
{
    at::Tensor mask = keys <= queries;
    if (options.window > 0)
        mask = at::logical_and(mask, keys > queries - options.window);
    if (options.chunk > 0)
        mask = at::logical_and(mask, keys >= queries - queries.remainder(options.chunk));
    return mask;
}

at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionOptions& options)
{
    const std::int64_t tokens = query.size(0);
    const std::int64_t positions = key.size(0);
    const auto cuts = [&](std::int64_t length) { return length > 0 && length < positions; };
    const auto mask = [&] {
        const auto index = at::TensorOptions(at::kLong).device(query.device());
        return causalMask(at::arange(positions, index), at::arange(positions - tokens, positions, index).unsqueeze(1),
                          options);
    };
    if (options.softCap != 0 || options.sinks.defined())
        return explicitAttention(query, key, value, mask(), options);
    if (cuts(options.window) || cuts(options.chunk) || tokens != positions)
        return fusedAttention(query, key, value, mask(), options.scale);
    return fusedAttention(query, key, value, {}, options.scale);
}

} // namespace paretoscope::engine
