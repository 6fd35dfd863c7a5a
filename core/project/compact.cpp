// SPDX-License-Identifier: Apache-2.0
#include "core/project/compact.h"

#include "core/project/database_copy.h"
#include "core/project/write_connection.h"

#include <unistd.h>

namespace paretoscope::core {

namespace {

Status rewrite(const ProjectFiles& files, const std::filesystem::path& temporary)
{
    PSC_ASSIGN(Database database, Database::open(files.main, Database::Access::ReadWrite));
    return database.vacuum(temporary);
}

} // namespace

Result<CompactReport> compactProject(const std::filesystem::path& project)
{
    const ProjectFiles files = ProjectFiles::of(project);
    {
        // Checked, of the newest schema, and put to rest: then all of it is in the one file.
        PSC_ASSIGN(const WriteConnection writer, WriteConnection::open(files, false, StoreEnvironment {}));
    }
    PSC_ASSIGN(const WriterLock lock, WriterLock::acquire(files.lock, files.main));
    if (stampOf(files.wal).exists || stampOf(files.journal).size > 0)
        return Error {ErrorCode::Busy, files.main.string() + " is held open by another program",
                      "close that program, then try again"};
    CompactReport report {.bytesBefore = stampOf(files.main).size, .bytesAfter = 0};
    const std::filesystem::path temporary = files.main.string() + ".tmp" + std::to_string(::getpid());
    ::unlink(temporary.c_str());
    Status done = rewrite(files, temporary);
    report.bytesAfter = stampOf(temporary).size;
    if (done.ok())
        done = moveIntoPlace(temporary, files.main);
    if (!done.ok()) {
        ::unlink(temporary.c_str());
        return done.error().withContext("cannot compact " + files.main.string());
    }
    return report;
}

} // namespace paretoscope::core
