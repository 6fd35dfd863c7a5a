// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"

#include <filesystem>

struct sqlite3;

namespace paretoscope::core {

/// What SQLite reported last on `database`, as one sentence about `file` with its remedy.
/// Disk full and I/O: Io; damaged or foreign: Corrupt; locked by others: Busy; too big a value: InvalidArgument.
Error sqliteError(sqlite3* database, const std::filesystem::path& file);

/// The same for a result code without a connection; `systemError` is the errno behind it, 0 when there is none.
Error sqliteError(int code, const char* detail, int systemError, const std::filesystem::path& file);

/// The sentence for a file that is no project, or one of another program.
Error notAProject(const std::filesystem::path& file, std::string_view why);

/// The sentence for a file that is a project, but broken.
Error damagedProject(const std::filesystem::path& file, std::string_view what);

} // namespace paretoscope::core
