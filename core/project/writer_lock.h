// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <string>

namespace paretoscope::core {

/// The right to write one project: an open file description lock on NAME.lock, whose text names the holder. The kernel
/// frees it when the holder ends in whatever way, so it never has to be cleared by hand. Where the file system passes
/// locks on (NFS, SMB, Lustre with flock, GPFS), it holds between machines too.
class WriterLock
{
public:
    /// Errors: Busy (names process, program, host and start), Io (folder not writable, no locks on this file system).
    static Result<WriterLock> acquire(const std::filesystem::path& lockFile, const std::filesystem::path& project);

    /// Whether a living writer holds it, asked without touching it; also when that cannot be found out.
    static bool isHeld(const std::filesystem::path& lockFile);

    WriterLock(WriterLock&& other) noexcept;
    WriterLock& operator=(WriterLock&&) = delete;
    ~WriterLock(); ///< takes the file away, then frees the lock

private:
    WriterLock(std::filesystem::path file, int descriptor);
    std::filesystem::path m_file;
    int m_descriptor = -1;
};

} // namespace paretoscope::core
