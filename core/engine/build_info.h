// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <string>

namespace paretoscope::engine {

/// Program and libtorch version in one word, e.g. "0.1.0+libtorch-2.11.0"; part of a measurement's identity.
std::string buildName();

/// Versions, numerics, devices and CPU abilities of this worker.
core::Json describeBuild();
/// The entry of describeBuild() for a device: {"id", "name", "memory_bytes", ...}, cards with "driver"; null when there
/// is no such device.
core::Json describeDevice(const std::string& id);

} // namespace paretoscope::engine
