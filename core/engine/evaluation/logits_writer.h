// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/evaluation/evaluator.h"

namespace paretoscope::engine {

/// Runs the sequences of a token file and writes what they give as float32 into one safetensors file.
/// @param request {"tokens": FILE with {"sequences": [[id, ...], ...]}, "out": FILE, "hidden_states": bool}
/// Tensors: `logits_<i>` [tokens, vocabulary]; with hidden states also `hidden_<i>_embed` and `hidden_<i>_block_<b>`
/// [tokens, hidden], the latter before the final norm.
/// Errors: NotFound, Corrupt (not that form), InvalidArgument (an id outside the vocabulary), Io.
core::Status writeLogits(const core::Json& request, const EvaluationContext& context);

} // namespace paretoscope::engine
