// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paretoscope::core {

// Table project: one row about the file itself.

/// A new identity and the program that made it.
Status insertProjectRow(Database& database);
/// A new identity for a file that was copied from another and is a project of its own.
Status renewIdentity(Database& database);
/// Notes the oldest program version that knows the file's schema.
Status setRequiredProgram(Database& database, std::string_view version);
Result<std::string> requiredProgram(Database& database);
/// Part of every writing transaction: readers in any process see that the file has grown.
Status raiseRevision(Database& database);
Result<std::int64_t> revision(Database& database);

} // namespace paretoscope::core
