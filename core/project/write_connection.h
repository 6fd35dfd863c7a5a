// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/project_files.h"
#include "core/project/store_environment.h"
#include "core/project/writer_lock.h"

#include <memory>

namespace paretoscope::core {

/// The one connection that writes a project, with the writer's lock. On local disks the file is in WAL mode while it
/// is open, on network file systems it keeps a rollback journal. Closing puts the file to rest: one file without side
/// files that a reader opens without making any.
class WriteConnection
{
public:
    /// `create` makes the file when there is none (or an empty one). Errors: those of ProjectStore::open.
    static Result<WriteConnection> open(const ProjectFiles& files, bool create, const StoreEnvironment& environment);

    WriteConnection(WriteConnection&&) noexcept = default;
    WriteConnection& operator=(WriteConnection&&) = delete;
    ~WriteConnection();

    Database& database() { return *m_database; }

    /// What the transactions that follow survive.
    enum class Survives
    {
        ProcessKill,
        PowerLoss
    };
    /// Errors: Busy; Io (the file is gone, or another one has its name).
    Result<Transaction> begin(Survives survives);
    /// Raises the revision and commits.
    Status commit(Transaction& transaction);

private:
    WriteConnection(WriterLock lock, const ProjectFiles& files, const StoreEnvironment& environment);
    Status create();
    Status connect();
    Result<bool> connectOnce(); ///< false: something may only be in the way for a moment (m_obstacle), try again
    Status chooseJournal();
    Status backUpBeforeMigration(std::int64_t version);
    void putToRest();

    WriterLock m_lock; // first member, last to go: the file is at rest before the lock is free
    ProjectFiles m_files;
    StoreEnvironment m_environment;
    FileStamp m_identity;
    FileSystem m_fileSystem;
    Error m_obstacle;
    std::unique_ptr<Database> m_database;
};

} // namespace paretoscope::core
