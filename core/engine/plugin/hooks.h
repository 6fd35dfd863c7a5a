// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// The named places of a block at which a value may be read or replaced.
enum class HookPoint
{
    BlockInput,     ///< residual stream entering the block [tokens, hidden]
    AttentionInput, ///< normalised input of query, key and value [tokens, hidden]
    Query,          ///< after rotary [tokens, heads, headDim]
    Key,            ///< after rotary, as written to the cache [tokens, kvHeads, headDim]
    Value,          ///< as written to the cache [tokens, kvHeads, headDim]
    KeyRead,        ///< as attention reads it from the cache [kept, kvHeads, headDim]; without a cache as written
    ValueRead,      ///< likewise
    /// Softmax over the entries of the cache, in blocks of query rows [heads, rows, kept]; attention is computed
    /// explicitly where somebody asks for it.
    AttentionProbabilities,
    AttentionOutput, ///< input of the output projection [tokens, heads * headDim]
    MlpInput,        ///< normalised input of the MLP [tokens, hidden]
    MlpHidden,       ///< input of the down projection [tokens, intermediate]; in a mixture of its shared expert
    RouterLogits,    ///< of a mixture of experts [tokens, experts]; -inf keeps an expert from being chosen
    RouterExperts,   ///< the chosen experts, int64 [tokens, chosen]; -1 sends a token to none
    RouterWeights,   ///< factors on their outputs, or inputs, [tokens, chosen], in the order of RouterExperts
    ExpertInput,     ///< what one expert reads: the tokens sent to it [n, hidden], rising by token
    ExpertHidden,    ///< input of its down projection [n, width]
    ExpertOutput,    ///< what it gives, before a factor on it [n, hidden]; the shared expert's too, with all tokens
    BlockOutput,     ///< residual stream leaving the block [tokens, hidden]
};

/// Where in the model and in which sequence a hook is called.
struct HookSite
{
    int block = 0;
    int sample = 0;                 ///< sequence
    std::int64_t firstPosition = 0; ///< of the first row in the sequence; of KeyRead and ValueRead: of the chunk
    int expert = -1;                ///< at Expert points: which; -1: the shared one
    at::Tensor tokens = {};         ///< at Expert points: int64 [n], row of the chunk that each row is; undefined: all
};

/// A reader or replacer at one point. Called for every block and sample, from several threads at once; when decoding
/// incrementally, for every chunk.
struct Hook
{
    HookPoint point = HookPoint::BlockInput;
    /// Returns the value to go on with (`value` itself to leave it alone), of the same shape. Never changes `value`.
    std::function<at::Tensor(const HookSite& site, const at::Tensor& value)> visit;
};

using Hooks = std::vector<Hook>;

} // namespace paretoscope::engine
