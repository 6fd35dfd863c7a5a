// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <vector>

namespace paretoscope::engine {

/// How the candidate's next-token distribution q stands to the reference's p at one position.
struct TokenDivergence
{
    double kl = 0;              ///< Σ p (ln p - ln q), nats; +inf where q has no mass and p has
    double referenceLoss = 0;   ///< -ln p(next token)
    double candidateLoss = 0;   ///< -ln q(next token)
    bool sameLikeliest = false; ///< arg-max agrees; of equal logits the lowest id counts
};

/// Float64 over the whole vocabulary; terms with p = 0 are 0. KL of equal rows is exactly 0.
/// @param reference, candidate float32 [n, vocabulary]; nextTokens int64 [n]. Source: specs evaluation 4.
std::vector<TokenDivergence> tokenDivergences(const at::Tensor& reference, const at::Tensor& candidate,
                                              const at::Tensor& nextTokens);

/// KL of every row alone, float64 [n], to be differentiated with respect to the candidate: terms in float32, their sums
/// in float64. KL of equal rows is exactly 0.
/// @param reference, candidate float32 [n, vocabulary]
at::Tensor divergences(const at::Tensor& reference, const at::Tensor& candidate);

} // namespace paretoscope::engine
