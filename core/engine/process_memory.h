// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"

namespace paretoscope::engine {

/// Peak resident memory of this process since construction (mapped pages counted).
class PeakMemory
{
public:
    PeakMemory(); ///< resets the kernel's high-water mark, where it lets us
    core::Bytes peak() const;
};

/// Lets the allocator of this process keep activations that were freed, up to its limit of 32 MiB each, instead of
/// giving them back: otherwise every operator pays for fresh zeroed pages.
void keepFreedMemory();
/// The opposite, for a memory budget: what was freed leaves the process, at the price of fresh pages for large values.
void returnFreedMemory();
/// Gives back what the allocator still holds.
void trimFreedMemory();

} // namespace paretoscope::engine
