// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/parts.h"
#include "core/architecture/rotary.h"

#include <optional>
#include <vector>

namespace paretoscope::core {

/// Multi-head latent attention (DeepSeek-V2): keys and values of all heads are made of one narrow latent vector per
/// token; one rotated key part is shared by all heads. A head's query and key are its plain part followed by the
/// rotated one; values have a width of their own.
struct LatentAttentionSpec
{
    std::optional<LinearSpec> queryDown; ///< [queryRank, hidden]; absent: `query` reads the hidden state itself
    std::optional<NormSpec> queryNorm;   ///< on what queryDown yields
    LinearSpec query;                    ///< [heads · (plainDim + rotaryDim), queryRank or hidden]
    LinearSpec keyValueDown;             ///< [rank + rotaryDim, hidden]: the latent, then the shared rotated key
    NormSpec keyValueNorm;               ///< on the latent
    LinearSpec keyValue;                 ///< [heads · (plainDim + valueDim), rank]: per head plain key, then value
    LinearSpec output;                   ///< [hidden, heads · valueDim]
    int heads = 0;
    int plainDim = 0;
    int rotaryDim = 0;
    int valueDim = 0;
    std::int64_t rank = 0;
    double scale = 0; ///< on q·k
    RotarySpec rotary;

    int keyDim() const { return plainDim + rotaryDim; }
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const LatentAttentionSpec& attention);

} // namespace paretoscope::core
