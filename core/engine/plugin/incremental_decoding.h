// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/host_services.h"
#include "core/engine/plugin/kv_store.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// The next tokens of one sequence.
struct DecodeChunk
{
    int sequence = 0;
    std::vector<std::int32_t> ids;
    /// How many tokens are written to the store and attend at once; 0: all of the chunk. 1 runs a known continuation
    /// token by token, as generation would, at the cost of one pass over the weights.
    std::int64_t tokensPerWrite = 0;
};

/// Sequences that grow token by token or in chunks, each with its own key/value store. With the default store the
/// logits are those of the full forward up to the rounding of float32 sums; they do not depend on the other sequences.
class DecodeSession
{
public:
    virtual ~DecodeSession() = default;

    /// Opens an empty sequence. @return its index
    virtual int open() = 0;
    /// Frees what the sequence holds; its index is not used again.
    virtual void close(int sequence) = 0;
    virtual std::int64_t length(int sequence) const = 0; ///< tokens so far
    virtual KvStore& store(int sequence) = 0;            ///< endPrompt(), storedBits(); or what a method's store offers

    /// Passes the chunks (of different sequences) through all blocks, sequences in parallel.
    /// @return what leaves the last block, float32 [tokens, hidden], per chunk.
    /// Errors: InvalidArgument (an empty chunk, an id outside the vocabulary), Unsupported (a rotary scaling that
    /// rotates the kept tokens otherwise at the new length: dynamic, longrope); reading errors; OutOfMemory.
    virtual core::Result<std::vector<at::Tensor>> extend(const std::vector<DecodeChunk>& chunks) = 0;
    /// Logits float32 [n, vocabulary] of rows of what extend() gave.
    virtual core::Result<at::Tensor> logits(const at::Tensor& states) = 0;
};

/// Decoding with the model as the stages so far left it.
class IncrementalDecoding : public Service
{
public:
    static constexpr std::string_view kId = "incremental_decoding";
    static constexpr int kVersion = 1;

    /// @param makeStore empty: the store of the pipeline, which is a dense one unless a stage replaced it.
    virtual core::Result<std::unique_ptr<DecodeSession>> open(KvStoreFactory makeStore) = 0;
};

} // namespace paretoscope::engine
