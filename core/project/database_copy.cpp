// SPDX-License-Identifier: Apache-2.0
#include "core/project/database_copy.h"

#include "core/project/sqlite_error.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

Status fillFrom(Database& from, const std::filesystem::path& target)
{
    PSC_ASSIGN(Database copy, Database::open(target, Database::Access::Create));
    sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", from.handle(), "main");
    if (!backup)
        return copy.error();
    const int code = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE)
        return sqliteError(code, nullptr, sqlite3_system_errno(copy.handle()), target);
    return copy.execute("PRAGMA journal_mode = DELETE"); // the header of the source may say WAL
}

bool synced(const std::filesystem::path& path, int flags)
{
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const bool done = ::fsync(descriptor) == 0;
    const int code = errno;
    ::close(descriptor);
    errno = code;
    return done;
}

} // namespace

Status copyDatabase(Database& from, const std::filesystem::path& to)
{
    const std::filesystem::path temporary = to.string() + ".tmp" + std::to_string(::getpid());
    ::unlink(temporary.c_str());
    if (const Status filled = fillFrom(from, temporary); !filled.ok()) {
        ::unlink(temporary.c_str());
        return filled.error().withContext("cannot copy " + from.name().string());
    }
    const Status moved = moveIntoPlace(temporary, to);
    if (!moved.ok())
        ::unlink(temporary.c_str());
    return moved;
}

Status moveIntoPlace(const std::filesystem::path& temporary, const std::filesystem::path& to)
{
    const auto failed = [&to] {
        return Error {ErrorCode::Io, "cannot write " + to.string() + ": " + std::strerror(errno),
                      "check the permissions of the folder"};
    };
    if (!synced(temporary, O_RDONLY) || ::rename(temporary.c_str(), to.c_str()) != 0)
        return failed();
    (void)synced(to.parent_path(), O_RDONLY | O_DIRECTORY); // some network file systems cannot
    return success();
}

} // namespace paretoscope::core
