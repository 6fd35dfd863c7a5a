// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/engine/aten.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace paretoscope::engine {

/// Sizes of what one layer caches. With latent attention (MLA) keys and values count as expanded to all heads.
struct KvLayerShape
{
    int heads = 0;   ///< of the queries
    int kvHeads = 0; ///< divides heads; query head h reads key head h / (heads / kvHeads)
    std::int64_t keyDim = 0;
    std::int64_t valueDim = 0;
};

/// What the store of one sequence is made for.
struct KvGeometry
{
    int sequence = 0; ///< index of the sequence, as hooks see it
    std::vector<KvLayerShape> layers;
    using Rotation = std::function<at::Tensor(int layer, const at::Tensor& keys, const at::Tensor& positions)>;
    /// Rotary of keys float32 [n, kvHeads, keyDim] that were not rotated, at `positions` int64 [n]. Models without
    /// rotary positions give the keys back.
    Rotation rotate;
    /// Moves rotated keys by `positions` int64 [n], which may be negative: afterwards they are those of the old
    /// position plus the given one.
    Rotation shift;
};

/// What a chunk of consecutive tokens writes to one layer.
struct KvWrite
{
    std::int64_t firstPosition = 0; ///< of the chunk in the sequence
    at::Tensor key;                 ///< float32 [tokens, kvHeads, keyDim], after rotary
    at::Tensor keyBeforeRotary;     ///< the same shape
    at::Tensor value;               ///< float32 [tokens, kvHeads, valueDim]
};

/// What attention reads of one layer. Entries may stand in any order.
struct KvView
{
    at::Tensor key;   ///< float32 [kept, kvHeads, keyDim], after rotary
    at::Tensor value; ///< float32 [kept, kvHeads, valueDim]
    /// The position that each entry counts as for causality and sliding windows: int64 [kept], or [kept, kvHeads] where
    /// heads keep different tokens. -1 marks padding, which is never attended to. Undefined: entry i is position i.
    at::Tensor positions;
};

/// What attention did with a view; one call per block of query rows, in rising position.
struct KvAttention
{
    std::int64_t firstPosition = 0; ///< of the first query row, in the sequence
    at::Tensor query;               ///< float32 [rows, heads, keyDim], after rotary
    /// float32 [heads, rows, kept] over the entries of the view, each row sums to at most 1 (attention sinks take the
    /// rest); undefined unless the store asked for it.
    at::Tensor probabilities;
};

/// What a store wants to see of attention besides the keys and values written to it.
enum class KvObservation
{
    None,
    Queries,      ///< costs nothing
    Probabilities ///< attention is then computed explicitly, in blocks of rows
};

/// The keys and values of one sequence during incremental decoding, layer by layer; replaceable, so that a method may
/// quantise, evict or reconstruct them. Every chunk of tokens calls, layer by layer: rotaryPosition, write, attention
/// over the view, observe. Different sequences have different stores; one store is used by one thread at a time.
class KvStore
{
public:
    virtual ~KvStore() = default;

    /// The rotary position at which the token at `position` of the sequence is computed in this layer; tokens of one
    /// chunk follow one another. Other than `position` where kept entries are numbered anew (StreamingLLM).
    virtual std::int64_t rotaryPosition(int layer, std::int64_t position) const
    {
        static_cast<void>(layer);
        return position;
    }
    /// Takes a chunk and answers what its own queries attend to, the chunk included.
    virtual KvView write(int layer, const KvWrite& chunk) = 0;
    virtual KvObservation observes(int layer) const
    {
        static_cast<void>(layer);
        return KvObservation::None;
    }
    /// After attention over the last view; the place to evict or quantise for the chunks to come.
    virtual void observe(int layer, const KvAttention& attention)
    {
        static_cast<void>(layer);
        static_cast<void>(attention);
    }
    /// All layers have seen the whole prompt; what follows are single tokens (methods that compress once).
    virtual void endPrompt() {}
    /// What this layer holds now, scales and positions included, padding not.
    virtual core::Bits storedBits(int layer) const = 0;
};

/// Makes the store of a new sequence; called from one thread.
using KvStoreFactory = std::function<std::unique_ptr<KvStore>(const KvGeometry& geometry)>;

} // namespace paretoscope::engine
