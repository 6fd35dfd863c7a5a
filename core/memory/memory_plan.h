// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>

namespace paretoscope::core {

/// How one worker divides its memory. Changes speed and memory, never a number.
struct MemoryPlan
{
    bool keepsWeights = true; ///< float32 weights stay in memory between passes; otherwise blocks are read every time
    bool readsAhead = true;   ///< the next block is dequantised while the current one is in use
    /// The calibration samples stop inside a block with everything they need to go on; otherwise each is computed again
    /// from the beginning of the block for every step.
    bool keepsPasses = true;
    Bytes activations {
        std::numeric_limits<std::int64_t>::max()}; ///< of all samples between blocks; the rest is spilled
    std::size_t inFlight = std::numeric_limits<std::size_t>::max(); ///< sequences computed at once: the micro-batch
    bool spillsReplacements = false;                                ///< replaced weights wait in a scratch file, packed
    std::filesystem::path scratch;                                  ///< folder of the scratch files
};

} // namespace paretoscope::core
