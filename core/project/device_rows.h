// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/device_record.h"

#include <vector>

namespace paretoscope::core {

// Table roofline_point, the rows of users' devices: mode "device", no trial, the device in `settings`. Whoever merges
// projects keeps the devices of both.

/// Replaces what the project has of a device of this name.
Status recordDevice(Database& database, const DeviceRecord& device);
/// One that is not there is none to remove.
Status removeDevice(Database& database, const std::string& name);
/// In order of recording; of several of one name, which a merge may bring together, the newest alone.
Result<std::vector<DeviceRecord>> readDevices(Database& database);

} // namespace paretoscope::core
