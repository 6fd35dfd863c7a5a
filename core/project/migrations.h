// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <cstdint>
#include <span>
#include <string>

namespace paretoscope::core {

/// One step of the schema, from version - 1 to version. Numbered, forward-only, never edited once released.
struct Migration
{
    std::int32_t version = 0;
    const char* programVersion = ""; ///< the oldest Paretoscope that knows it; named to users of older ones
    Status (*apply)(Database& database) = nullptr;
};

/// All steps in order; the last one is the version this program writes.
std::span<const Migration> migrations();
/// Whether `steps` are all of them. What follows from those is made once in a process.
bool areOurs(std::span<const Migration> steps);

/// Brings `database` (version 0 = empty) to the newest version of `steps`, each step in a transaction of its own: a
/// kill leaves an intact file of an older version. Foreign keys are checked after each. Errors: Io, Busy, Corrupt.
Status migrate(Database& database, std::span<const Migration> steps);

/// The bytes of a new, empty project of the newest version. Made in memory, so that a file appears whole or not at all.
Result<std::string> newProject(std::span<const Migration> steps);

} // namespace paretoscope::core
