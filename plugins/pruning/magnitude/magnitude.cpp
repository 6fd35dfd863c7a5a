// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/magnitude/magnitude.h"

#include "core/engine/pruning/mask_selection.h"

namespace paretoscope::magnitude {

std::vector<at::Tensor> masks(std::span<const at::Tensor> weights, const engine::SparsityPattern& pattern)
{
    std::vector<at::Tensor> scores;
    for (const at::Tensor& weight : weights)
        scores.push_back(weight.abs());
    if (pattern.scope == engine::PruningScope::Global)
        return engine::dropSmallest(scores, pattern.sparsity);
    std::vector<at::Tensor> found;
    for (const at::Tensor& score : scores)
        found.push_back(pattern.maskOf(score));
    return found;
}

} // namespace paretoscope::magnitude
