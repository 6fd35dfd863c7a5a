// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <string_view>

namespace paretoscope::core {

/// What a name in `tokenizer.ggml.pre` stands for.
struct GgufPreTokenizer
{
    Json preTokenizer; ///< in the words of tokenizer.json
    bool ignoreMerges = false;
    bool addBos = false; ///< unless `tokenizer.ggml.add_bos_token` says otherwise
};

/// Source of names and rules: src/llama-vocab.cpp of llama.cpp (ggml-org/llama.cpp, commit 00ad355).
/// Errors: Unsupported (a name that is not known, with the near one).
Result<GgufPreTokenizer> ggufPreTokenizer(std::string_view name);

} // namespace paretoscope::core
