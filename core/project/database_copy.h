// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <filesystem>

namespace paretoscope::core {

/// Writes all of `from` as the single file `to`, as one step: a temporary file beside it, synced, then renamed.
/// Errors: Io (folder not writable, disk full); `to` is then untouched.
Status copyDatabase(Database& from, const std::filesystem::path& to);

/// Gives the file `temporary` the name `to` beside it, as one step that a power loss does not undo. Errors: Io.
Status moveIntoPlace(const std::filesystem::path& temporary, const std::filesystem::path& to);

} // namespace paretoscope::core
