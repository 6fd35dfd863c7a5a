// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/incremental_decoding.h"

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

namespace paretoscope::engine {

struct GenerationOptions
{
    int maxTokens = 64;              ///< new tokens per prompt
    std::set<std::int32_t> endTokens; ///< the first of them ends a sequence and is its last token
    /// Prompts decoded at once; they share every pass over the weights. Does not change results.
    std::size_t batch = 16;
    std::function<core::Status(std::size_t done)> report; ///< after every batch; an error ends the run (cancel)
};

/// Continues every prompt with its most probable tokens; of equal logits the smaller id wins. Each prompt passes as one
/// chunk, then KvStore::endPrompt is called, then one token at a time.
/// @return the new tokens per prompt, in the order of the prompts.
/// Errors: InvalidArgument (an empty prompt, an id outside the vocabulary), Numerical (logits that are not finite);
/// those of DecodeSession.
core::Result<std::vector<std::vector<std::int32_t>>> generateGreedily(DecodeSession& session,
                                                                      const std::vector<std::vector<std::int32_t>>& prompts,
                                                                      const GenerationOptions& options);

} // namespace paretoscope::engine
