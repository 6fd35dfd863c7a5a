// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/router.h"
#include "core/engine/aten.h"

#include <vector>

namespace paretoscope::engine {

/// Which experts every token is sent to, by falling weight, equal weights by expert.
struct Routing
{
    at::Tensor experts; ///< int64 [tokens, chosen]; -1 = none, contributes nothing
    at::Tensor weights; ///< float32 [tokens, chosen], factors on the experts' outputs (or inputs)
};

/// Chooses experts. Of equal scores the lower expert is chosen. The weights carry gradients to the logits, the choice
/// does not. Formulas: the published code of Mixtral, Qwen-MoE, OLMoE (softmax, largest k, perhaps renormalised),
/// Granite-MoE and GPT-OSS (largest k logits, softmax over them), Llama 4 (largest k logits, the sigmoid of each),
/// DeepSeek-V2 (groups by their best expert), DeepSeek-V3 (sigmoid; a bias that moves the choice but not the weight;
/// groups by the sum of their best two) and Phi-3.5-MoE (SparseMixer in evaluation, without its random draws).
/// @param logits float32 [tokens, experts]
/// @param choiceBias float32 [experts], added to the scores for the choice alone; undefined: none
Routing route(const at::Tensor& logits, const at::Tensor& choiceBias, const core::RoutingRule& rule);

/// The rows of one expert: which tokens were sent to it and with what weight, rising by token.
struct ExpertRows
{
    at::Tensor tokens;  ///< int64 [n]
    at::Tensor weights; ///< float32 [n]
};

/// One entry per expert, empty tensors for those that no token was sent to.
std::vector<ExpertRows> rowsByExpert(const Routing& routing, int experts);

} // namespace paretoscope::engine
