// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/kernels/attention.h"
#include "core/engine/plugin/kv_store.h"

#include <functional>

namespace paretoscope::engine {

/// Sees, and may replace, the probabilities [heads, rows, kept] of query rows from `firstRow` of the chunk on.
using ProbabilityVisitor = std::function<at::Tensor(std::int64_t firstRow, const at::Tensor& probabilities)>;

/// Causal attention of a chunk over the entries of a cache, with libtorch's fused kernel where the options allow it.
/// @param query float32 [tokens, heads, keyDim]
/// @param firstQuery position of the first query in the numbering of view.positions
/// @return [tokens, heads * valueDim]
at::Tensor cachedAttention(const at::Tensor& query, const KvView& view, std::int64_t firstQuery,
                           const AttentionOptions& options);

/// The same in plain operators, which can be differentiated twice; in blocks of query rows, so that memory does not
/// grow with the square of the length. `visit` may be empty.
at::Tensor explicitAttention(const at::Tensor& query, const KvView& view, std::int64_t firstQuery,
                             const AttentionOptions& options, const ProbabilityVisitor& visit);

} // namespace paretoscope::engine
