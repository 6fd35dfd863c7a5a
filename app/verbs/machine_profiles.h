// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/measured/machine_files.h"

namespace paretoscope::app {

/// Those that a project holds. Errors: those of ProjectStore::open and MachineProfile::fromJson.
core::Result<std::vector<roofline::MachineProfile>> machineProfilesOf(const std::filesystem::path& project);

} // namespace paretoscope::app
