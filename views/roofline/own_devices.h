// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/hardware/hardware_table.h"

#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::views {

/// The user's devices in hardware.csv of the settings folder. A file that does not exist has none.
/// Errors: Io; Corrupt, naming line and column.
core::Result<std::vector<roofline::HardwareSpec>> readOwnDevices(const std::filesystem::path& file);

/// Adds the device, or replaces the one of its name (upper and lower case count as equal), and writes the file whole.
/// Errors: as above; nothing is written then.
core::Status saveOwnDevice(const std::filesystem::path& file, const roofline::HardwareSpec& device);
/// Errors: as above.
core::Status removeOwnDevice(const std::filesystem::path& file, const std::string& name);

} // namespace paretoscope::views
