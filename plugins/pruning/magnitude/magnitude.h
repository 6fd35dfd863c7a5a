// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/pruning/sparsity_pattern.h"

#include <span>
#include <vector>

namespace paretoscope::magnitude {

/// Which entries of the weights stay: those with the largest absolute value within the pattern's scope.
/// @param weights float32 [out, in] each, all on one device; compared with each other for PruningScope::Global only
/// @return bool masks of the same shapes, true: kept. Counts are exact, ties are broken by index. Deterministic.
/// Source: Han et al. 2015; specs pruning_lowrank 1 and 3.
std::vector<at::Tensor> masks(std::span<const at::Tensor> weights, const engine::SparsityPattern& pattern);

} // namespace paretoscope::magnitude
