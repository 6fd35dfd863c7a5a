// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/decoding/incremental_decoder.h"

#include <memory>
#include <utility>

namespace paretoscope::engine {

/// See IncrementalDecoding.
class DecodingService : public IncrementalDecoding
{
public:
    /// `pipelineStore` is read at every open(), so that it may change between stages.
    DecodingService(DecodeContext context, const KvStoreFactory& pipelineStore)
        : m_context(std::move(context))
        , m_pipelineStore(pipelineStore)
    {}

    core::Result<std::unique_ptr<DecodeSession>> open(KvStoreFactory makeStore) override
    {
        DecodeContext context = m_context;
        context.makeStore = makeStore ? std::move(makeStore) : m_pipelineStore;
        return std::unique_ptr<DecodeSession>(std::make_unique<IncrementalDecoder>(std::move(context)));
    }

private:
    const DecodeContext m_context;
    const KvStoreFactory& m_pipelineStore;
};

} // namespace paretoscope::engine
