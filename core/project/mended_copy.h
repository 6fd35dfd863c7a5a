// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/private_copy.h"
#include "core/project/store_environment.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// A private copy of a project, of which SQLite can read as much as possible: damage of the header is mended, logs and
/// journals are played in or taken away, and the file is as long as it says. What was wrong is in `report`.
/// Errors: NotFound, Io, Busy; Corrupt when it cannot have been a project.
Result<PrivateCopy> mendedCopy(const ProjectFiles& project, const StoreEnvironment& environment, VerifyReport& report);

/// A connection to such a copy; messages name the project. It may be written.
Result<Database> openMended(const PrivateCopy& copy, const ProjectFiles& project);

/// How many of `steps` made the project. A version that never existed is a finding and counts as the newest.
/// Errors: Unsupported (newer: names the program version needed).
Result<std::size_t> knownSteps(Database& database, std::span<const Migration> steps, VerifyReport& report);

} // namespace paretoscope::core
