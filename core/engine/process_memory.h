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

core::Bytes physicalMemory();

/// Lets the allocator of this process keep activations that were freed, up to its limit of 32 MiB each, instead of
/// giving them back: otherwise every operator pays for fresh zeroed pages.
void keepFreedMemory();

} // namespace paretoscope::engine
