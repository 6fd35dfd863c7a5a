// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/mlp_spec.h"
#include "core/architecture/router.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Mixture of experts: Σ over the chosen experts of weight · expert(x), or of expert(weight · x), plus the shared
/// expert where there is one.
struct MoeSpec
{
    LinearSpec router;      ///< [experts, hidden]
    std::string choiceBias; ///< tensor [experts] that is added to the scores for the choice alone; empty: none
    RoutingRule rule;
    bool weighsInput = false; ///< a weight multiplies what the expert reads instead of what it gives (Llama 4)
    std::vector<MlpSpec> experts;
    std::optional<MlpSpec> shared;        ///< every token passes it
    std::optional<LinearSpec> sharedGate; ///< [1, hidden]; the shared output is multiplied by its sigmoid
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const MoeSpec& moe);

} // namespace paretoscope::core
