// SPDX-License-Identifier: Apache-2.0
#include "core/project/read_connection.h"

#include "core/project/sqlite_error.h"
#include "core/project/writer_lock.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>

namespace paretoscope::core {

namespace {

constexpr std::chrono::milliseconds kPause {5};
/// Longer than a writer needs to open or close its file, shorter than a user notices.
constexpr std::chrono::milliseconds kWriterMoves {300};

/// Codes by which SQLite says that the file's side files are about to appear or vanish, or that it may not recover
/// them.
bool isInMotion(int code)
{
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return code == SQLITE_BUSY_RECOVERY || code == SQLITE_BUSY_SNAPSHOT;
    }
}

} // namespace

Result<ReadConnection::Session> ReadConnection::begin()
{
    if (m_copy && m_copy->isCurrent(m_files))
        return beginOnCopy();
    m_copy.reset();
    const Clock::time_point start = Clock::now();
    for (bool isLastLook = false;; isLastLook = !isWriterAbout(start)) {
        Session session;
        PSC_ASSIGN(const Next next, beginInPlace(session));
        if (next == Next::Read)
            return session;
        if (next == Next::Copy || isLastLook)
            return beginOnCopy();
    }
}

/// Waits a moment for a writer that opens or closes the file. Without one the file is as it will be: whole if the
/// writer has just gone, else what a killed one left.
bool ReadConnection::isWriterAbout(Clock::time_point since) const
{
    if (Clock::now() - since > kWriterMoves || !WriterLock::isHeld(m_files.lock))
        return false;
    std::this_thread::sleep_for(kPause);
    return true;
}

Result<std::unique_ptr<Database>> ReadConnection::openMain()
{
    const FileStamp stamp = stampOf(m_files.main);
    if (!stamp.exists)
        return Error {ErrorCode::NotFound, m_files.main.string() + " does not exist", "check the path"};
    if (!stamp.regular)
        return notAProject(m_files.main, "it is no regular file");
    PSC_ASSIGN(Database database, Database::open(m_files.main, Database::Access::ReadOnly));
    database.setBusyTimeout(static_cast<int>(m_environment.patience.count()));
    return std::make_unique<Database>(std::move(database));
}

Result<bool> ReadConnection::onNetwork()
{
    if (!m_environment.networkFileSystem) {
        PSC_ASSIGN(const FileSystem found, fileSystemOf(m_files.main.parent_path()));
        m_environment.networkFileSystem = found.network;
    }
    return *m_environment.networkFileSystem;
}

Result<ReadConnection::Next> ReadConnection::beginInPlace(Session& session)
{
    PSC_ASSIGN(session.own, openMain());
    session.database = session.own.get();
    PSC_ASSIGN(const FileHeader header, checkHeader(*session.database, m_files));
    if (header.wal) {
        PSC_ASSIGN(const bool network, onNetwork());
        if (network)
            return Next::Copy; // shared memory does not reach the other machine
        if (!stampOf(m_files.wal).exists || !stampOf(m_files.shm).exists)
            return stampOf(m_files.lock).exists ? Next::Wait : Next::Copy;
    }
    Result<Next> next = startReading(session);
    if (next.ok() && next.value() == Next::Read)
        next = checkOnce(session, header);
    return next.ok() ? next : withSizeExplained(next.error(), header, m_files);
}

Result<ReadConnection::Next> ReadConnection::startReading(Session& session)
{
    const auto failed = [&session](const Error& error) -> Result<Next> {
        if (isInMotion(session.database->lastCode()))
            return Next::Wait;
        return error;
    };
    Result<Transaction> transaction = Transaction::begin(*session.database, Transaction::Kind::Read);
    if (!transaction.ok())
        return failed(transaction.error());
    session.transaction = std::make_unique<Transaction>(std::move(transaction).value());
    // BEGIN alone takes no snapshot yet, the first look does.
    if (const Result<std::int64_t> look = session.database->integer("PRAGMA schema_version"); !look.ok())
        return failed(look.error());
    return Next::Read;
}

Result<ReadConnection::Next> ReadConnection::checkOnce(Session& session, const FileHeader& header)
{
    const FileStamp stamp = stampOf(m_files.main);
    PSC_ASSIGN(const std::int64_t cookie, session.database->integer("PRAGMA schema_version"));
    if (m_checked && m_checked->file.isSameFile(stamp) && m_checked->schemaCookie == cookie)
        return Next::Read;
    PSC_ASSIGN(const std::int64_t version, checkContent(*session.database, m_environment.steps, header));
    if (version < m_environment.steps.back().version)
        return Next::Copy; // an older schema is migrated in a private copy
    m_checked = Checked {stamp, cookie};
    return Next::Read;
}

Result<ReadConnection::Session> ReadConnection::beginOnCopy()
{
    if (!m_copy) {
        PSC_ASSIGN(const std::unique_ptr<Database> source, openMain());
        PSC_ASSIGN(m_copy, SnapshotCopy::make(*source, m_files, m_environment));
    }
    Session session;
    session.database = &m_copy->database();
    PSC_ASSIGN(Transaction transaction, Transaction::begin(*session.database, Transaction::Kind::Read));
    session.transaction = std::make_unique<Transaction>(std::move(transaction));
    return session;
}

} // namespace paretoscope::core
