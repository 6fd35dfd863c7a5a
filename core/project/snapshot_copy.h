// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/private_copy.h"
#include "core/project/store_environment.h"

namespace paretoscope::core {

/// A private copy of a project in a state that cannot be read in place without changing a byte: a WAL without its
/// shared memory, a journal to roll back, or an older schema. Made in the temporary folder, recovered and migrated
/// there, and unlinked at once, so nothing is left behind by a kill.
class SnapshotCopy
{
public:
    /// `source` is a read-only connection to files.main without a transaction.
    /// Errors: Io (no room in the temporary folder), Busy (the files keep changing), and those of the checks.
    static Result<SnapshotCopy> make(Database& source, const ProjectFiles& files, const StoreEnvironment& environment);

    bool isCurrent(const ProjectFiles& files) const; ///< the project is still as it was copied
    Database& database() { return m_database; }

private:
    SnapshotCopy(Database database, const ProjectStamps& stamps)
        : m_database(std::move(database))
        , m_stamps(stamps)
    {}

    Database m_database;
    ProjectStamps m_stamps;
};

} // namespace paretoscope::core
