// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/gguf_entries.h"

namespace paretoscope::core {

/// What a GGUF file says of a model whose config.json this is, without a tokenizer. Families: llama, qwen2, qwen3 and
/// qwen3_moe, without rotary scaling. Errors: Unsupported (another family; a setting that the keys of GGUF cannot say;
/// names it), Corrupt (a key is missing or no number).
Result<GgufEntries> ggufArchitecture(const Json& config);

} // namespace paretoscope::core
