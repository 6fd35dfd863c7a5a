// SPDX-License-Identifier: Apache-2.0
#include "core/project/project_files.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <sys/vfs.h>

namespace paretoscope::core {

namespace {

struct KnownFileSystem
{
    std::uint64_t magic;
    const char* name;
};

// Numbers from linux/magic.h, statfs(2) and the file systems' own sources. FUSE counts as network: sshfs, glusterfs,
// s3fs and the like are what people put projects on, and a wrong guess only costs some speed.
constexpr std::array kNetworkFileSystems {
    KnownFileSystem {0x6969, "nfs"},          KnownFileSystem {0xff534d42, "cifs"},
    KnownFileSystem {0xfe534d42, "smb2"},     KnownFileSystem {0x517b, "smb"},
    KnownFileSystem {0x0bd00bd0, "lustre"},   KnownFileSystem {0x47504653, "gpfs"},
    KnownFileSystem {0x19830326, "beegfs"},   KnownFileSystem {0x00c36400, "ceph"},
    KnownFileSystem {0x01021997, "9p"},       KnownFileSystem {0x65735546, "fuse"},
    KnownFileSystem {0x5346414f, "afs"},      KnownFileSystem {0x6b414653, "afs"},
    KnownFileSystem {0x73757245, "coda"},     KnownFileSystem {0x564c, "ncp"},
    KnownFileSystem {0x7461636f, "ocfs2"},    KnownFileSystem {0x01161970, "gfs2"},
    KnownFileSystem {0x20030528, "orangefs"}, KnownFileSystem {0xaad7aaea, "panfs"},
    KnownFileSystem {0x786f4256, "vboxsf"},   KnownFileSystem {0xbacbacbc, "vmhgfs"},
};

std::int64_t nanoseconds(const timespec& time)
{
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace

FileStamp stampOf(const std::filesystem::path& path)
{
    struct stat status
    {};
    if (::stat(path.c_str(), &status) != 0)
        return {};
    return {.exists = true,
            .regular = S_ISREG(status.st_mode),
            .device = status.st_dev,
            .inode = status.st_ino,
            .links = status.st_nlink,
            .size = status.st_size,
            .modifiedNs = nanoseconds(status.st_mtim),
            .changedNs = nanoseconds(status.st_ctim)};
}

ProjectFiles ProjectFiles::of(const std::filesystem::path& project)
{
    std::error_code failure;
    const std::filesystem::path absolute = std::filesystem::absolute(project, failure);
    std::filesystem::path main = std::filesystem::weakly_canonical(absolute, failure);
    if (failure)
        main = absolute;
    const auto beside = [&main](const char* suffix) { return std::filesystem::path(main.string() + suffix); };
    return {main, beside("-wal"), beside("-shm"), beside("-journal"), beside(".lock")};
}

FileSystem fileSystemFromMagic(std::uint64_t magic)
{
    for (const KnownFileSystem& known : kNetworkFileSystems) {
        if (known.magic == magic)
            return {.network = true, .name = known.name};
    }
    return {.network = false, .name = "local"};
}

Result<FileSystem> fileSystemOf(const std::filesystem::path& folder)
{
    struct statfs status
    {};
    if (::statfs(folder.c_str(), &status) != 0) {
        const int code = errno;
        if (code == ENOENT || code == ENOTDIR)
            return Error {ErrorCode::NotFound, "the folder " + folder.string() + " does not exist",
                          "create it, or give another path"};
        return Error {ErrorCode::Io, "cannot look at " + folder.string() + ": " + std::strerror(code),
                      "check the path and the permissions"};
    }
    // f_type is signed on some systems; the magic numbers are 32 bits wide.
    return fileSystemFromMagic(static_cast<std::uint32_t>(status.f_type));
}

} // namespace paretoscope::core
