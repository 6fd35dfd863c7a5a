// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/kernels/attention.h"
#include "core/engine/model/block_part.h"

namespace paretoscope::engine {

/// What attention of one layer works on, for the tokens of one chunk.
struct AttentionHeads
{
    at::Tensor query; ///< [tokens, heads, keyDim], after rotary
    at::Tensor key;   ///< [tokens, kvHeads, keyDim], after rotary
    at::Tensor unrotatedKey;
    at::Tensor value; ///< [tokens, kvHeads, valueDim]
};

/// Attention with everything that may stand around it: the hooks from Query to AttentionProbabilities, the key/value
/// store, and the kernel that they allow. @return [tokens, heads * valueDim]
at::Tensor attendThroughStore(const PassContext& context, AttentionHeads heads, const AttentionOptions& options);

} // namespace paretoscope::engine
