// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/engine/aten.h"

#include <map>
#include <mutex>
#include <vector>

namespace paretoscope::engine {

/// x / sqrt(mean(x^2) + epsilon) * weight, or layer norm; statistics in float32. @param x [tokens, features]
at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& spec, const at::Tensor& weight, const at::Tensor& bias);

/// cos and sin of position * frequency for positions [first, first + tokens), computed in float64.
struct RotaryTable
{
    at::Tensor cosine; ///< float32 [tokens, headDim / 2]
    at::Tensor sine;
};
RotaryTable rotaryTable(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens);

/// The tables from position 0 of every rotary spec of a model, made once for the longest sequence so far. Thread-safe.
class RotaryTables
{
public:
    RotaryTable upTo(const core::RotarySpec& spec, std::int64_t tokens) const;

private:
    mutable std::mutex m_mutex;
    mutable std::map<std::vector<double>, RotaryTable> m_tables; ///< by inverse frequencies
};

/// Rotates the pairs of every head. @param x float32 [tokens, heads, headDim], contiguous. @return the same shape
at::Tensor applyRotary(const at::Tensor& x, const RotaryTable& table, core::RotaryStyle style);

/// Causal softmax(scale q kᵀ) v with grouped key/value heads, float32.
/// @param query [tokens, heads, headDim]; key and value [tokens, kvHeads, headDim]. @return [tokens, heads * headDim]
at::Tensor causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, double scale);

at::Tensor activate(const at::Tensor& x, core::Activation activation);

/// ln Σ exp of every row, and the entry at `targets`, for the negative log-likelihood logsumexp - logit.
/// Sums in float32 with the maximum taken out (libtorch's float32 log_softmax is biased at large vocabularies).
/// @param logits float32 [n, vocabulary]; targets int64 [n]. @return float64 [n]
at::Tensor negativeLogLikelihood(const at::Tensor& logits, const at::Tensor& targets);

} // namespace paretoscope::engine
