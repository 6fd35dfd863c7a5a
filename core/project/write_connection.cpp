// SPDX-License-Identifier: Apache-2.0
#include "core/project/write_connection.h"

#include "core/project/database_copy.h"
#include "core/project/event_rows.h"
#include "core/project/file_check.h"
#include "core/project/project_row.h"
#include "core/project/sqlite_error.h"

#include "core/base/mapped_file.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>

#include <unistd.h>

namespace paretoscope::core {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause {5};
constexpr std::chrono::seconds kRestPatience {2}; ///< most reads of ours take milliseconds

/// What a killed process can leave beside a project that is not there any more: a `-wal` of a deleted file would be
/// applied to the new one, and a half-written new file carries our temporary name.
void removeRemains(const ProjectFiles& files)
{
    for (const std::filesystem::path& remains : {files.wal, files.shm, files.journal})
        ::unlink(remains.c_str());
    const std::string prefix = files.main.filename().string() + ".tmp";
    std::error_code failure;
    std::filesystem::directory_iterator entry(files.main.parent_path(), failure);
    for (const std::filesystem::directory_iterator end; !failure && entry != end; entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (name.size() > prefix.size() && name.starts_with(prefix) &&
            name.find_first_not_of("0123456789", prefix.size()) == std::string::npos)
            ::unlink(entry->path().c_str());
    }
}

Status checkMayWrite(const ProjectFiles& files, bool create)
{
    const FileStamp stamp = stampOf(files.main);
    if (!stamp.exists)
        return create ? success()
                      : Status(Error {ErrorCode::NotFound, files.main.string() + " does not exist", "check the path"});
    if (!stamp.regular)
        return notAProject(files.main, "it is no regular file");
    if (stamp.links > 1) // each name would have a journal and a lock of its own
        return Error {ErrorCode::Unsupported,
                      files.main.string() + " has " + std::to_string(stamp.links) + " names (hard links)",
                      "copy it to a file of its own and open that"};
    return success();
}

bool isLockedByReader(const Database& database)
{
    const int code = database.lastCode() & 0xff;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

/// Also while a reader of this process holds the shared memory read-only.
bool mayPass(const Database& database)
{
    const int code = database.lastCode() & 0xff;
    return isLockedByReader(database) || code == SQLITE_READONLY || code == SQLITE_CANTOPEN;
}

} // namespace

WriteConnection::WriteConnection(WriterLock lock, const ProjectFiles& files, const StoreEnvironment& environment)
    : m_lock(std::move(lock))
    , m_files(files)
    , m_environment(environment)
{}

WriteConnection::~WriteConnection()
{
    if (m_database)
        putToRest();
}

Result<WriteConnection> WriteConnection::open(const ProjectFiles& files, bool create,
                                              const StoreEnvironment& environment)
{
    PSC_ASSIGN(FileSystem fileSystem, fileSystemOf(files.main.parent_path()));
    PSC_TRY(checkMayWrite(files, create));
    PSC_ASSIGN(WriterLock lock, WriterLock::acquire(files.lock, files.main));
    WriteConnection connection(std::move(lock), files, environment);
    connection.m_fileSystem = std::move(fileSystem);
    if (environment.networkFileSystem)
        connection.m_fileSystem.network = *environment.networkFileSystem;
    if (const FileStamp stamp = stampOf(files.main); create && stamp.size == 0)
        PSC_TRY(connection.create());
    PSC_TRY(connection.connect());
    return connection;
}

Status WriteConnection::create()
{
    PSC_ASSIGN(const std::string content, newProject(m_environment.steps));
    removeRemains(m_files);
    return writeFileAtomically(m_files.main, content);
}

Status WriteConnection::connect()
{
    const Clock::time_point deadline = Clock::now() + m_environment.patience;
    while (true) {
        const Result<bool> connected = connectOnce();
        if (!connected.ok()) {
            m_database.reset(); // nothing of a refused file is changed on the way out
            return connected.error();
        }
        if (connected.value())
            break;
        m_database.reset();
        if (Clock::now() > deadline)
            return m_obstacle;
        std::this_thread::sleep_for(kPause);
    }
    m_identity = stampOf(m_files.main);
    return success();
}

// A reader of this process that opened the remains of a killed writer shares its read-only view of the shared memory
// with us (SQLite keeps one per process and file). It lets go within milliseconds, hence the retries.
Result<bool> WriteConnection::connectOnce()
{
    const auto failed = [this](const Error& error) -> Result<bool> {
        if (!m_database || !mayPass(*m_database))
            return error;
        m_obstacle =
            isLockedByReader(*m_database)
                ? Error {ErrorCode::Busy, m_files.main.string() + " is held open by another program that reads it",
                         "close that program, then try again"}
                : error;
        return false;
    };
    PSC_ASSIGN(Database database, Database::open(m_files.main, Database::Access::ReadWrite));
    m_database = std::make_unique<Database>(std::move(database));
    if (m_database->isReadOnly())
        return sqliteError(SQLITE_READONLY, nullptr, 0, m_files.main);
    m_database->setBusyTimeout(100);
    PSC_ASSIGN(const FileHeader header, checkHeader(*m_database, m_files));
    if (m_fileSystem.network) // recovers a left-over WAL without shared memory
        PSC_TRY(m_database->execute("PRAGMA locking_mode = EXCLUSIVE"));
    Result<std::int64_t> version = checkContent(*m_database, m_environment.steps, header);
    if (!version.ok())
        return failed(withSizeExplained(version.error(), header, m_files));
    if (version.value() < m_environment.steps.back().version) {
        PSC_TRY(backUpBeforeMigration(version.value()));
        if (const Status migrated = migrate(*m_database, m_environment.steps); !migrated.ok())
            return failed(migrated.error());
    }
    if (const Status chosen = chooseJournal(); !chosen.ok())
        return failed(chosen.error());
    Result<Transaction> writable = Transaction::begin(*m_database, Transaction::Kind::Write);
    if (!writable.ok())
        return failed(writable.error());
    m_database->setBusyTimeout(static_cast<int>(m_environment.patience.count()));
    return true;
}

Status WriteConnection::backUpBeforeMigration(std::int64_t version)
{
    if (version == 0) // nothing in it yet
        return success();
    std::filesystem::path backup = m_files.main;
    backup.replace_extension(".schema" + std::to_string(version) + m_files.main.extension().string());
    return copyDatabase(*m_database, backup);
}

Status WriteConnection::chooseJournal()
{
    if (!m_fileSystem.network) {
        PSC_ASSIGN(const std::string mode, m_database->text("PRAGMA journal_mode = WAL"));
        if (mode == "wal")
            return m_database->execute("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216");
        m_fileSystem = {.network = true, .name = "without shared memory"};
    }
    PSC_ASSIGN(const std::string mode, m_database->text("PRAGMA journal_mode = TRUNCATE"));
    PSC_TRY(m_database->execute("PRAGMA synchronous = FULL; PRAGMA locking_mode = NORMAL"));
    PSC_TRY(revision(*m_database)); // the exclusive lock goes with the next transaction
    ::unlink(m_files.shm.c_str());  // of a WAL that is folded in by now
    PSC_ASSIGN(Transaction transaction, Transaction::begin(*m_database, Transaction::Kind::Write));
    const EventRecord event {.timeUtc = {},
                             .level = "info",
                             .kind = "journal_mode",
                             .trial = {},
                             .text = "the project lies on a network file system (" + m_fileSystem.name +
                                     "): it is written with a rollback journal (" + mode +
                                     ") instead of a WAL, readers wait while a trial is being recorded"};
    PSC_ASSIGN(const bool added, insertEventUnlessNewest(*m_database, event));
    return added ? commit(transaction) : success();
}

Result<Transaction> WriteConnection::begin(Survives survives)
{
    const FileStamp now = stampOf(m_files.main);
    if (!now.exists)
        return Error {ErrorCode::Io, m_files.main.string() + " was deleted or moved while it was being written",
                      "put it back; what was recorded before is in that file"};
    if (!now.isSameFile(m_identity))
        return Error {ErrorCode::Io, m_files.main.string() + " was replaced by another file while it was being written",
                      "put the old file back, or start again with the new one"};
    if (!m_fileSystem.network)
        PSC_TRY(m_database->execute(survives == Survives::PowerLoss ? "PRAGMA synchronous = FULL"
                                                                    : "PRAGMA synchronous = NORMAL"));
    return Transaction::begin(*m_database, Transaction::Kind::Write);
}

Status WriteConnection::commit(Transaction& transaction)
{
    PSC_TRY(raiseRevision(*m_database));
    return transaction.commit();
}

// Readers that take turns would never leave the file free between them, so no further one is let in. With one that
// does not let go in time the WAL simply stays; the next writer folds it in.
void WriteConnection::putToRest()
{
    if (!stampOf(m_files.main).isSameFile(m_identity))
        return;
    m_database->setBusyTimeout(0);
    const Clock::time_point deadline = Clock::now() + kRestPatience;
    while (!m_fileSystem.network && !m_database->lockAlone()) {
        if (Clock::now() > deadline)
            return;
        std::this_thread::sleep_for(kPause);
    }
    (void)m_database->text("PRAGMA journal_mode = DELETE");
}

} // namespace paretoscope::core
