// SPDX-License-Identifier: Apache-2.0
#include "core/project/read_only_vfs.h"

#include "core/base/assert.h"

#include <sqlite3.h>

namespace paretoscope::core {

namespace {

constexpr const char* kName = "paretoscope-readonly";

const sqlite3_vfs& systemVfs()
{
    static const sqlite3_vfs* const found = sqlite3_vfs_find("unix");
    PSC_ASSERT(found != nullptr, "SQLite has no file system");
    return *found;
}

int openReadOnly(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* outFlags)
{
    constexpr int kChanging =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;
    return systemVfs().xOpen(vfs, name, file, (flags & ~kChanging) | SQLITE_OPEN_READONLY, outFlags);
}

int refuseToDelete(sqlite3_vfs*, const char*, int)
{
    return SQLITE_IOERR_DELETE;
}

sqlite3_vfs makeVfs()
{
    sqlite3_vfs vfs = systemVfs(); // same files, locks and shared memory: its tables are keyed by inode, not by VFS
    vfs.pNext = nullptr;
    vfs.zName = kName;
    vfs.xOpen = openReadOnly;
    vfs.xDelete = refuseToDelete;
    return vfs;
}

} // namespace

const char* readOnlyVfs()
{
    static sqlite3_vfs vfs = makeVfs();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    PSC_ASSERT(registered == SQLITE_OK, "the read-only file system cannot be registered");
    return kName;
}

} // namespace paretoscope::core
