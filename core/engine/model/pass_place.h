// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/kv_store.h"

#include <cstdint>

namespace paretoscope::engine {

/// Where in the model, and where in its sequence, a chunk of tokens is.
struct PassPlace
{
    int block = 0;
    int sample = 0;
    std::int64_t firstPosition = 0; ///< of the chunk's first token
    KvStore* store = nullptr;       ///< null: the chunk attends to itself alone
    /// Attention in plain operators, which can be differentiated twice; the fused kernel only once.
    bool explicitAttention = false;
};

} // namespace paretoscope::engine
