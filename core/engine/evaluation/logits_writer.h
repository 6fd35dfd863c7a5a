// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/evaluation/evaluator.h"

namespace paretoscope::engine {

/// Runs the sequences of a token file and writes what they give as float32 into one safetensors file.
/// @param request {"tokens": FILE with {"sequences": [[id, ...], ...]}, "out": FILE, "hidden_states": bool,
///        "router": bool}
/// Tensors: `logits_<i>` [tokens, vocabulary]; with hidden states also `hidden_<i>_embed` and `hidden_<i>_block_<b>`
/// [tokens, hidden], the latter before the final norm; with router, for every block that is a mixture of experts,
/// `router_<i>_layer_<b>_index` int32 and `router_<i>_layer_<b>_weight` [tokens, chosen], by falling weight.
/// Errors: NotFound, Corrupt (not that form), InvalidArgument (an id outside the vocabulary), Unsupported (`router` of
/// a model without one), Io.
core::Status writeLogits(const core::Json& request, const EvaluationContext& context);

} // namespace paretoscope::engine
