// SPDX-License-Identifier: Apache-2.0
#include "core/project/mended_copy.h"

#include "core/project/file_check.h"
#include "core/project/header_check.h"
#include "core/project/side_file_check.h"
#include "core/project/sqlite_error.h"

namespace paretoscope::core {

Result<PrivateCopy> mendedCopy(const ProjectFiles& project, const StoreEnvironment& environment, VerifyReport& report)
{
    const FileStamp stamp = stampOf(project.main);
    if (!stamp.exists)
        return Error {ErrorCode::NotFound, project.main.string() + " does not exist", "check the path"};
    if (!stamp.regular)
        return notAProject(project.main, "it is no regular file");
    if (stamp.size == 0)
        return notAProject(project.main, "the file is empty");
    PSC_ASSIGN(Database source, Database::open(project.main, Database::Access::ReadOnly));
    PSC_ASSIGN(PrivateCopy copy, PrivateCopy::make(source, project, environment));
    const std::string name = project.main.filename().string();
    PSC_TRY(checkAndMendHeader(copy.files(), name, report));
    foldSideFiles(project, copy.files(), report);
    PSC_TRY(checkAndMendSize(copy.files(), name, report));
    return copy;
}

Result<Database> openMended(const PrivateCopy& copy, const ProjectFiles& project)
{
    PSC_ASSIGN(Database database, Database::open(copy.files().main, Database::Access::ReadWrite, project.main));
    // Needs the list of tables, which may be broken; it only saves side files.
    (void)database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF");
    return database;
}

Result<std::size_t> knownSteps(Database& database, std::span<const Migration> steps, VerifyReport& report)
{
    PSC_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version > steps.back().version)
        return newerProject(database, version, steps.back().version);
    if (version >= steps.front().version)
        return static_cast<std::size_t>(version - (steps.front().version - 1));
    report.add({.kind = "header",
                .where = database.name().filename().string() + ", byte 60",
                .message = "schema version " + std::to_string(version) + " never existed",
                .remedy = "repair into a new file with --repair-to",
                .repairable = true});
    return steps.size();
}

} // namespace paretoscope::core
