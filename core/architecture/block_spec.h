// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/attention_spec.h"
#include "core/architecture/latent_attention_spec.h"
#include "core/architecture/mlp_spec.h"
#include "core/architecture/moe_spec.h"

#include <optional>
#include <variant>
#include <vector>

namespace paretoscope::core {

/// What a sublayer can be. To add one: its spec and `appendTensors` in a file of its own, its reader in the table of
/// part_reader.cpp, and its arithmetic with `makeBlockPart` in core/engine/model.
using PartSpec = std::variant<AttentionSpec, LatentAttentionSpec, MlpSpec, MoeSpec>;

/// stream = residualNorm(stream + multiplier * postNorm(part(norm(stream)))); every norm may be absent.
struct SublayerSpec
{
    std::optional<NormSpec> norm;
    PartSpec part;
    std::optional<NormSpec> postNorm;
    double multiplier = 1;
    std::optional<NormSpec> residualNorm;
};

struct BlockSpec
{
    std::vector<SublayerSpec> sublayers; ///< in the order of the forward pass
    /// All sublayers read the stream that enters the block, and add to it.
    bool parallel = false;

    /// The first sublayer's part of this kind; nullptr: there is none.
    template <typename Part>
    const Part* find() const
    {
        for (const SublayerSpec& sublayer : sublayers) {
            if (const Part* part = std::get_if<Part>(&sublayer.part))
                return part;
        }
        return nullptr;
    }
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const BlockSpec& block);

} // namespace paretoscope::core
