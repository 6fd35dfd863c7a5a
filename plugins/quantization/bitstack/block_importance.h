// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <functional>
#include <span>
#include <vector>

namespace paretoscope::bitstack {

/// Loss of the model when all layers have `blocks` blocks and `layer` alone one more; NaN when it is not finite.
using LossWithOneMore = std::function<core::Result<double>(std::int64_t blocks, std::size_t layer)>;

/// The importance of every layer's second, third, ... block: the loss with it when all others are a block behind. A
/// loss that is not finite (few blocks may break a model) becomes that of the next level plus the largest of its own.
/// Errors: Numerical (not finite at the last level); those of `loss`.
/// @param layers their number; @param blocks of every layer. @return [layers][blocks - 1]
/// Source: specs quantization 13, step 3.
core::Result<std::vector<std::vector<double>>> importanceByLoss(std::size_t layers, std::int64_t blocks,
                                                                const LossWithOneMore& loss);

} // namespace paretoscope::bitstack
