// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace paretoscope::bitstack {

/// What one layer has to offer.
struct StackedLayer
{
    std::int64_t fixedBits = 0;
    std::int64_t blockBits = 0;
    std::int64_t blocks = 0;
    std::vector<double> importance; ///< of the second, third, ... block
};

/// One block of every layer.
std::int64_t smallestBits(std::span<const StackedLayer> layers);

/// How many blocks of every layer are loaded within `budget` bits, which must hold one of each: all layers' second
/// blocks in the order of their importance, then all third ones, and so on up to the first that does not fit. So a
/// larger budget loads what a smaller one loads and more, and layers differ by one block at most.
/// Source: specs quantization 13, steps 4 and 5.
std::vector<std::int64_t> blocksWithin(std::span<const StackedLayer> layers, double budget);

} // namespace paretoscope::bitstack
