// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/evaluation/evaluator.h"

namespace paretoscope::engine {

/// How a model that was written and read again compares with the one in memory.
struct SelfTest
{
    std::int64_t tokens = 0;           ///< compared, of sequences drawn from a fixed seed
    double largestLogitDifference = 0; ///< over all tokens and the whole vocabulary
    std::int64_t sameBest = 0;         ///< tokens after which both expect the same next one
    double meanDivergence = 0;         ///< KL divergence of the written model from the one in memory, nats
};

/// Runs both models over the same tokens. Errors: those of evaluate(); Numerical (logits that are not finite);
/// Corrupt (the written one is another model: it expects another next token more often than not).
core::Result<SelfTest> compareLogits(const EvaluationContext& inMemory, const EvaluationContext& written);

} // namespace paretoscope::engine
