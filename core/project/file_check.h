// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/migrations.h"
#include "core/project/project_files.h"

#include <cstdint>
#include <span>

namespace paretoscope::core {

/// What the first 100 bytes of a project say. Source: https://www.sqlite.org/fileformat2.html, section 1.3.
struct FileHeader
{
    bool wal = false; ///< the file wants its WAL read along
    std::int64_t pageSize = 0;
    std::int64_t pages = 0; ///< 0 when the header does not know
    std::int64_t bytes = 0; ///< the file's size
};

/// Reads the header without starting a transaction, so before SQLite looks at journals.
/// Errors: Corrupt (empty, no SQLite file, of another program, not UTF-8).
Result<FileHeader> checkHeader(Database& database, const ProjectFiles& files);

/// SQLite's complaint about a file, in plainer words when it ends before the end its header names. Not a check of its
/// own: while a writer works, header and size do not belong together.
Error withSizeExplained(const Error& error, const FileHeader& header, const ProjectFiles& files);

/// Inside a transaction, before any other query: is the schema ours to the letter, and is the file sound?
/// Tables, indices, triggers, views and virtual tables that the schema of this version does not have are refused by
/// name: what a stranger puts there would run or mislead. Small files are checked page by page; of large ones only
/// the schema, SQLite notices the rest when it reads it.
/// @return the file's schema version, at most the newest of `steps`
/// Errors: Unsupported (newer: names the program version needed), Corrupt.
Result<std::int64_t> checkContent(Database& database, std::span<const Migration> steps, const FileHeader& header);

/// The sentence for a schema version above `known`; names the program version that reads it.
Error newerProject(Database& database, std::int64_t version, std::int64_t known);

} // namespace paretoscope::core
