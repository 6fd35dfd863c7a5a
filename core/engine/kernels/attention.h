// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

namespace paretoscope::engine {

struct AttentionOptions
{
    double scale = 1;        ///< on q·k
    std::int64_t window = 0; ///< a query sees its own position and window - 1 before it; 0: all
    std::int64_t chunk = 0;  ///< a query sees none before its own run of so many positions; 0: all
    double softCap = 0;      ///< scores become softCap * tanh(score / softCap); 0: off
    at::Tensor sinks;        ///< [heads] logits that join the softmax and attend to nothing; undefined: none
};

/// Causal softmax(scale q kᵀ) v with grouped key/value heads, in their type; the softmax in float32. The queries are
/// the last of the positions that the keys stand for, so keys of earlier calls may be put in front.
/// @param query [tokens, heads, headDim]; key [positions, kvHeads, headDim]; value [positions, kvHeads, valueDim]
/// @return [tokens, heads * valueDim]
at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const AttentionOptions& options);

/// Which keys a query may see, bool; `keys` and `queries` are positions in their sequence, int64, of shapes that
/// broadcast to that of the result.
at::Tensor causalMask(const at::Tensor& keys, const at::Tensor& queries, const AttentionOptions& options);

} // namespace paretoscope::engine
