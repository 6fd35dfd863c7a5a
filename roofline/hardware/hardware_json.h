// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "roofline/hardware/hardware_spec.h"

namespace paretoscope::roofline {

/// All of a device in SI units; null where a value is not known.
core::Json hardwareJson(const HardwareSpec& device);

} // namespace paretoscope::roofline
