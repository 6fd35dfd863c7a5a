// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace paretoscope::core {

/// Which file stands behind a path right now, and whether it was changed since: equal stamps = the same bytes, unless
/// it was written within one tick of the file system's clock.
struct FileStamp
{
    bool exists = false;
    bool regular = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t links = 0;
    std::int64_t size = 0;
    std::int64_t modifiedNs = 0;
    std::int64_t changedNs = 0;
    bool operator==(const FileStamp&) const = default;
    bool isSameFile(const FileStamp& other) const
    {
        return exists && other.exists && device == other.device && inode == other.inode;
    }
};

FileStamp stampOf(const std::filesystem::path& path);

/// A project and what lies beside it while it is written, or after its writer was killed.
struct ProjectFiles
{
    std::filesystem::path main;    ///< absolute, symbolic links resolved: every name of a project has one lock
    std::filesystem::path wal;     ///< NAME-wal
    std::filesystem::path shm;     ///< NAME-shm
    std::filesystem::path journal; ///< NAME-journal
    std::filesystem::path lock;    ///< NAME.lock

    static ProjectFiles of(const std::filesystem::path& project);
};

/// Where a folder lies. `network`: shared memory and locks do not reach the other machines that may have it mounted.
struct FileSystem
{
    bool network = false;
    std::string name; ///< "nfs"; "local" for everything not known as a network file system
};

/// Errors: NotFound, Io.
Result<FileSystem> fileSystemOf(const std::filesystem::path& folder);
/// The same from the magic number statfs(2) gives.
FileSystem fileSystemFromMagic(std::uint64_t magic);

} // namespace paretoscope::core
