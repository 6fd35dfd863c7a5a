// SPDX-License-Identifier: Apache-2.0
#include "core/project/snapshot_copy.h"

#include "core/project/file_check.h"

namespace paretoscope::core {

bool SnapshotCopy::isCurrent(const ProjectFiles& files) const
{
    return ProjectStamps::of(files) == m_stamps;
}

Result<SnapshotCopy> SnapshotCopy::make(Database& source, const ProjectFiles& files,
                                        const StoreEnvironment& environment)
{
    PSC_ASSIGN(const PrivateCopy copy, PrivateCopy::make(source, files, environment));
    PSC_ASSIGN(Database database, Database::open(copy.files().main, Database::Access::ReadWrite, files.main));
    // Exclusive: the WAL is read without shared memory. The journal goes to memory: the names are gone in a moment.
    PSC_TRY(database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; "
                             "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"));
    PSC_ASSIGN(const FileHeader header, checkHeader(database, copy.files()));
    PSC_TRY(checkContent(database, environment.steps, header));
    PSC_TRY(migrate(database, environment.steps));
    return SnapshotCopy(std::move(database), copy.stamps());
}

} // namespace paretoscope::core
