// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::tests {

/// A card for machines without one: libtorch's PrivateUse1 backend, whose tensors lie in host memory and whose
/// operators are those of the CPU, so that every number must equal the CPU's bit for bit. It is as strict as a real
/// card: an operator whose tensors are not all on the card fails (0-dimensional ones may come from the host), and host
/// code has to bring values over before it reads them. Linking this file registers it.
namespace simulated_card {

/// "simulated:0"
at::Device device();

/// What has happened since the last resetCounts().
struct Counts
{
    /// How often this thread would have waited for the card: copies that are not marked non-blocking, `item`, operators
    /// whose result has a size that depends on values.
    std::int64_t synchronisations = 0;
    std::int64_t operators = 0;   ///< computed on the card, by all threads
    std::int64_t sideCopies = 0;  ///< copies to the card on another stream than the default one
    std::int64_t streamWaits = 0; ///< one stream made to wait for another
};
Counts counts();
void resetCounts();

} // namespace simulated_card

} // namespace paretoscope::tests
