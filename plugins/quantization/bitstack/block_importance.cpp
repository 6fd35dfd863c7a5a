// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/bitstack/block_importance.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::bitstack {

core::Result<std::vector<std::vector<double>>> importanceByLoss(std::size_t layers, std::int64_t blocks,
                                                                const LossWithOneMore& loss)
{
    const auto levels = static_cast<std::size_t>(blocks - 1);
    std::vector<std::vector<double>> importance(layers, std::vector<double>(levels));
    for (std::size_t level = 0; level < levels; ++level) {
        for (std::size_t layer = 0; layer < layers; ++layer) {
            PSC_ASSIGN(importance[layer][level], loss(static_cast<std::int64_t>(level) + 1, layer));
        }
    }
    for (std::size_t level = levels; level-- > 0;) {
        double largest = 0;
        for (const std::vector<double>& layer : importance)
            largest = std::isfinite(layer[level]) ? std::max(largest, layer[level]) : largest;
        for (std::vector<double>& layer : importance) {
            if (std::isfinite(layer[level]))
                continue;
            if (level + 1 == levels)
                return core::Error {core::ErrorCode::Numerical,
                                    "the loss is not finite even with " + std::to_string(blocks - 1) +
                                        " blocks in every layer",
                                    "raise blocks or rank, or take sort: error"};
            layer[level] = layer[level + 1] + largest;
        }
    }
    return importance;
}

} // namespace paretoscope::bitstack
