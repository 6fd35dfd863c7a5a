// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/parts.h"
#include "core/architecture/rotary.h"

#include <optional>

namespace paretoscope::core {

/// How the projections to query, key and value are stored.
enum class QkvLayout
{
    Separate,
    Concatenated, ///< one linear: all rows of query, then of key, then of value
    PerHead,      ///< one linear: for every head its rows of query, key and value
};

/// Queries grow with their position: by the factor 1 + scale * ln(1 + floor((position + 1) / interval)) (Llama 4).
struct QueryTemperature
{
    double scale = 0;
    double interval = 1;
};

/// Softmax attention with grouped key/value heads.
struct AttentionSpec
{
    QkvLayout layout = QkvLayout::Separate;
    LinearSpec query; ///< with Concatenated and PerHead only `qkv` is set of these four
    LinearSpec key;
    LinearSpec value;
    LinearSpec qkv;
    LinearSpec output;
    int heads = 0;
    int kvHeads = 0;
    int headDim = 0;
    double scale = 0; ///< on q·k

    std::optional<NormSpec> queryNorm; ///< over a head, or over all heads when as wide as that
    std::optional<NormSpec> keyNorm;
    bool normsAfterRotary = false; ///< they see rotated channels, and have no weight; else they stand before
    double clip = 0;               ///< query and key after their norms and value are limited to ±clip; 0: off
    std::optional<RotarySpec> rotary;
    std::optional<QueryTemperature> temperature; ///< after norms and rotation
    std::int64_t window = 0;                     ///< a position sees itself and window - 1 before it; 0: all
    std::int64_t chunk = 0;                      ///< a position sees none before its own run of so many; 0: all
    double softCap = 0;                          ///< scores become softCap * tanh(score / softCap); 0: off
    std::string sinks; ///< tensor [heads] of logits that join the softmax and attend to nothing; empty: none

    std::int64_t queryWidth() const { return std::int64_t(heads) * headDim; }
    std::int64_t keyWidth() const { return std::int64_t(kvHeads) * headDim; }
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const AttentionSpec& attention);

} // namespace paretoscope::core
