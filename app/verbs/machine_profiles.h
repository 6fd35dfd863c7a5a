// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"
#include "roofline/measured/machine_profile.h"

#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::app {

/// Where the profiles of this user's machines are kept: NAME.json each.
std::filesystem::path machineFolder();

/// Errors: NotFound, Io; those of MachineProfile::fromJson, naming the file.
core::Result<roofline::MachineProfile> readMachineProfile(const std::filesystem::path& file);
/// All of a folder, by name; a missing folder holds none.
core::Result<std::vector<roofline::MachineProfile>> readMachineProfiles(const std::filesystem::path& folder);
/// Replaces the one of this name. @return the file. Errors: Io.
core::Result<std::filesystem::path> keepMachineProfile(const roofline::MachineProfile& profile,
                                                       const std::filesystem::path& folder);

/// Those that a project holds. Errors: those of ProjectStore::open and MachineProfile::fromJson.
core::Result<std::vector<roofline::MachineProfile>> machineProfilesOf(const std::filesystem::path& project);

} // namespace paretoscope::app
