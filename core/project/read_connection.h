// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/file_check.h"
#include "core/project/snapshot_copy.h"

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>

namespace paretoscope::core {

/// Reads a project without changing a byte of it or beside it, also while another process or thread writes.
/// Between two reads nothing is held open: the writer can always put its file to rest, and a project that was replaced
/// or deleted is noticed. Opening takes well under a millisecond; the whole check is done once per file and schema.
class ReadConnection
{
public:
    ReadConnection(ProjectFiles files, const StoreEnvironment& environment)
        : m_files(std::move(files))
        , m_environment(environment)
    {}

    /// Calls `read` with a connection that sees one state of the file.
    template <typename Read>
    std::invoke_result_t<Read, Database&> read(Read&& read)
    {
        PSC_ASSIGN(const Session session, begin());
        return read(*session.database);
    }

private:
    struct Session
    {
        std::unique_ptr<Database> own; ///< empty when the private copy is read
        Database* database = nullptr;
        std::unique_ptr<Transaction> transaction;
    };
    enum class Next
    {
        Read, ///< the transaction sees a checked state
        Wait, ///< a writer is just opening or closing the file, or its remains need a private copy
        Copy, ///< only a private copy can be read
    };

    using Clock = std::chrono::steady_clock;

    Result<Session> begin();
    bool isWriterAbout(Clock::time_point since) const;
    Result<Next> beginInPlace(Session& session);
    Result<Next> startReading(Session& session);
    Result<Next> checkOnce(Session& session, const FileHeader& header);
    Result<Session> beginOnCopy();
    Result<std::unique_ptr<Database>> openMain();
    Result<bool> onNetwork();

    struct Checked
    {
        FileStamp file; ///< only device and inode count
        std::int64_t schemaCookie = -1;
    };

    ProjectFiles m_files;
    StoreEnvironment m_environment;
    std::optional<Checked> m_checked;
    std::optional<SnapshotCopy> m_copy;
};

} // namespace paretoscope::core
