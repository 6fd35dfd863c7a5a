// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/incremental_decoding.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// What a decoder reads; all of it must outlive the decoder.
struct DecodeContext
{
    const LanguageModel& model;
    const ModelTensors& tensors;
    const Hooks& hooks;
    KvStoreFactory makeStore; ///< empty: dense
    /// Dequantised blocks stay in memory between calls as long as all of them take no more than this; otherwise every
    /// call reads them again, block by block.
    core::Bytes residentLimit;
    /// Told of every tensor that a block reads, just before it is used, from several threads at once; empty: nobody is.
    std::function<void(const PassPlace& place, std::string_view tensor)> onRead = {};
};

/// Incremental decoding of a language model; see DecodeSession. Replaced weights must not change while it lives.
class IncrementalDecoder : public DecodeSession
{
public:
    explicit IncrementalDecoder(DecodeContext context);

    int open() override;
    void close(int sequence) override;
    std::int64_t length(int sequence) const override;
    KvStore& store(int sequence) override;
    core::Result<std::vector<at::Tensor>> extend(const std::vector<DecodeChunk>& chunks) override;
    core::Result<at::Tensor> logits(const at::Tensor& states) override;

private:
    struct Sequence
    {
        std::unique_ptr<KvStore> store;
        std::int64_t length = 0;
    };
    core::Status check(const std::vector<DecodeChunk>& chunks) const;
    void passBlock(int block, const DecodeChunk& chunk, at::Tensor& state, const TensorSource& tensors) const;
    /// Tensors of block `index`; entry and head come behind the blocks.
    core::Result<std::shared_ptr<const LoadedTensors>> load(std::size_t index);
    std::vector<std::string> namesOf(std::size_t index) const;

    DecodeContext m_context;
    std::vector<Sequence> m_sequences;
    std::vector<std::shared_ptr<const LoadedTensors>> m_loaded; ///< null: not kept
    core::Bytes m_loadedBytes;
};

} // namespace paretoscope::engine
