// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/measurement/surroundings.h"

#include <cstdint>
#include <vector>

namespace paretoscope::engine {

/// A linear of this many outputs and inputs.
struct ProductShape
{
    std::int64_t out = 0;
    std::int64_t in = 0;
    /// Computed by all threads together, one row at a time (the head); else by each thread for itself.
    bool isShared = false;
    bool operator==(const ProductShape&) const = default;
};

/// Times x Wᵀ in float32 for 1 to 512 rows, as the forward pass calls it: an array of
///   {"threads", "calls", "cold", "rows", "out", "in", "seconds": core::Repeated}
/// `threads` compute one product, `calls` products are computed at once, with the same weights. `cold`: the weights
/// come from memory (many copies take turns), else from the last cache. Seconds are those from the beginning to the end
/// of all products that run at once. Errors: Cancelled; OutOfMemory.
core::Result<core::Json> measureProducts(const Surroundings& surroundings, const std::vector<ProductShape>& shapes);

} // namespace paretoscope::engine
