// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <filesystem>

namespace paretoscope::core {

// The content of an artifact, in table artifact_chunk or as a file.

/// Errors: NotFound, Io.
Status storeChunks(Database& database, std::int64_t artifactRow, const std::filesystem::path& file);
Status deleteChunks(Database& database, std::int64_t artifactRow);
/// Writes the content as `file`, which appears whole or not at all. One chunk in memory at a time.
/// Errors: Io; Corrupt (it does not have the size or the hash).
Status writeChunks(Database& database, std::int64_t artifactRow, std::int64_t bytes, const std::string& sha256,
                   const std::filesystem::path& file);
/// The same content under a second name: a hard link where the file system has them, else a copy that appears whole.
/// Errors: Io.
Status linkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace paretoscope::core
