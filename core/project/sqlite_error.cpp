// SPDX-License-Identifier: Apache-2.0
#include "core/project/sqlite_error.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace paretoscope::core {

namespace {

Error diskFull(const std::filesystem::path& file, int systemError)
{
    std::error_code failure;
    const std::filesystem::space_info space = std::filesystem::space(file.parent_path(), failure);
    std::string reason = "the disk is full";
    if (systemError == EDQUOT)
        reason = "the disk quota is used up";
    else if (systemError == EFBIG)
        reason = "the file size limit of this process (ulimit -f) is reached";
    else if (!failure)
        reason += " (" + std::to_string(space.available) + " bytes free)";
    return {ErrorCode::Io, "cannot write " + file.string() + ": " + reason,
            "free space there, then repeat the same command; everything recorded before is kept"};
}

Error readOnly(int code, const std::filesystem::path& file)
{
    if (code == SQLITE_READONLY_DBMOVED)
        return {ErrorCode::Io, file.string() + " was moved or deleted while it was open",
                "put it back, or open it again where it is now"};
    return {ErrorCode::Io, "cannot write " + file.string() + ": the file or its folder is read-only",
            "change the permissions, or copy the project to a folder of yours"};
}

Error ioError(int code, int systemError, const std::filesystem::path& file)
{
    if (systemError == ENOSPC || systemError == EDQUOT || systemError == EFBIG)
        return diskFull(file, systemError);
    const bool reading = code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ;
    const std::string reason = systemError != 0 ? std::strerror(systemError) : sqlite3_errstr(code);
    return {ErrorCode::Io, std::string(reading ? "cannot read " : "cannot write ") + file.string() + ": " + reason,
            "check the disk and the mount; everything recorded before is kept"};
}

/// The errno behind the last failure. SQLite forgets to note it for the connection when a COMMIT fails, its files know.
int systemErrorOf(sqlite3* database)
{
    if (const int code = sqlite3_system_errno(database); code != 0)
        return code;
    const int failed = sqlite3_errcode(database) & 0xff;
    if (failed != SQLITE_IOERR && failed != SQLITE_FULL)
        return 0;
    for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
        sqlite3_file* file = nullptr;
        int code = 0;
        if (sqlite3_file_control(database, "main", which, &file) == SQLITE_OK && file && file->pMethods &&
            file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &code) == SQLITE_OK && code != 0)
            return code;
    }
    return 0;
}

} // namespace

Error notAProject(const std::filesystem::path& file, std::string_view why)
{
    return {ErrorCode::Corrupt, file.string() + " is not a Paretoscope project: " + std::string(why),
            "give a .pscope file, or another name for a new project"};
}

Error damagedProject(const std::filesystem::path& file, std::string_view what)
{
    return {ErrorCode::Corrupt, file.string() + " is damaged: " + std::string(what),
            "restore a backup copy; what is still readable can be saved with: paretoscope verify FILE --repair-to NEW"};
}

Error sqliteError(int code, const char* detail, int systemError, const std::filesystem::path& file)
{
    const std::string text = detail ? detail : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return diskFull(file, systemError);
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_NOMEM)
            break;
        return ioError(code, systemError, file);
    case SQLITE_READONLY:
        return readOnly(code, file);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return {ErrorCode::Io,
                "cannot open " + file.string() + ": " + (systemError != 0 ? std::strerror(systemError) : text.c_str()),
                "check the path and the permissions of file and folder"};
    case SQLITE_CORRUPT:
        return damagedProject(file, text);
    case SQLITE_NOTADB:
        return notAProject(file, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return {ErrorCode::Busy, file.string() + " is locked by another program", "close that program, then try again"};
    case SQLITE_TOOBIG:
        return {ErrorCode::InvalidArgument, "a value is too big for " + file.string(), "record less at once"};
    case SQLITE_INTERRUPT:
        return {ErrorCode::Cancelled, "work on " + file.string() + " was interrupted", "start it again"};
    case SQLITE_NOMEM:
        break;
    default: // constraint, misuse, schema: the file does not behave as our schema says
        return damagedProject(file, text);
    }
    return {ErrorCode::OutOfMemory, "not enough memory to work on " + file.string(), "close other programs"};
}

Error sqliteError(sqlite3* database, const std::filesystem::path& file)
{
    return sqliteError(sqlite3_extended_errcode(database), sqlite3_errmsg(database), systemErrorOf(database), file);
}

} // namespace paretoscope::core
