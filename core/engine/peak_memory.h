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

} // namespace paretoscope::engine
