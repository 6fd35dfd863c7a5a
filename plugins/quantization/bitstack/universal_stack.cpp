// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/bitstack/universal_stack.h"

#include <algorithm>
#include <cstddef>

namespace paretoscope::bitstack {

std::int64_t smallestBits(std::span<const StackedLayer> layers)
{
    std::int64_t bits = 0;
    for (const StackedLayer& layer : layers)
        bits += layer.fixedBits + layer.blockBits;
    return bits;
}

std::vector<std::int64_t> blocksWithin(std::span<const StackedLayer> layers, double budget)
{
    std::vector<std::int64_t> loaded(layers.size(), 1);
    std::int64_t bits = smallestBits(layers);
    for (std::int64_t level = 1;; ++level) {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            if (layers[i].blocks > level)
                order.push_back(i);
        }
        if (order.empty())
            return loaded;
        const auto importance = [&](std::size_t i) {
            return layers[i].importance[static_cast<std::size_t>(level) - 1];
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return importance(a) < importance(b); });
        for (const std::size_t i : order) {
            bits += layers[i].blockBits;
            if (double(bits) > budget)
                return loaded;
            ++loaded[i];
        }
    }
}

} // namespace paretoscope::bitstack
