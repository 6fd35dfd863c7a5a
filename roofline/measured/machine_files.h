// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/machine_profile.h"

#include <filesystem>
#include <vector>

namespace paretoscope::roofline {

/// Where the profiles of this user's machines are kept: NAME.json each.
std::filesystem::path machineFolder();

/// Errors: NotFound, Io; those of MachineProfile::fromJson, naming the file.
core::Result<MachineProfile> readMachineProfile(const std::filesystem::path& file);
/// All of a folder, by name; a missing folder holds none.
core::Result<std::vector<MachineProfile>> readMachineProfiles(const std::filesystem::path& folder);
/// Replaces the one of this name. @return the file. Errors: Io.
core::Result<std::filesystem::path> keepMachineProfile(const MachineProfile& profile,
                                                       const std::filesystem::path& folder);

} // namespace paretoscope::roofline
