// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"

namespace paretoscope::core {

/// Memory that this process may use: that of the machine, or the limit of its control group where that is lower.
Bytes physicalMemory();

} // namespace paretoscope::core
