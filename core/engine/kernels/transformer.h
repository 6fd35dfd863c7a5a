// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/parts.h"
#include "core/engine/aten.h"

namespace paretoscope::engine {

/// x / sqrt(mean(x^2) + epsilon) * (offset + weight), or layer norm; computed in float32, returned in the type of x.
/// @param x [..., features], normalised over the last dimension
/// @param weight undefined: a factor of 1
at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& spec, const at::Tensor& weight, const at::Tensor& bias);

at::Tensor activate(const at::Tensor& x, core::Activation activation);

/// cap * tanh(x / cap); x itself when cap is 0.
at::Tensor softCapped(const at::Tensor& x, double cap);

/// ln Σ exp of every row, and the entry at `targets`, for the negative log-likelihood logsumexp - logit.
/// Sums in float32 with the maximum taken out (libtorch's float32 log_softmax is biased at large vocabularies).
/// @param logits float32 [n, vocabulary]; targets int64 [n]. @return float64 [n]
at::Tensor negativeLogLikelihood(const at::Tensor& logits, const at::Tensor& targets);

} // namespace paretoscope::engine
