// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>

namespace paretoscope::core {

/// A temporary file without a name: its space is free again when the object goes away or the process dies, however it
/// dies. Ranges are reserved one after another and then written and read in any order; disjoint ranges may be used by
/// several threads at once.
class ScratchFile
{
public:
    /// The file is made in `folder` with the first reservation. Nothing is touched before.
    explicit ScratchFile(std::filesystem::path folder);
    ~ScratchFile();
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    /// @return the offset of `bytes` bytes. Errors: Io (folder not writable; not enough free space, with both numbers).
    Result<std::int64_t> reserve(std::int64_t bytes);
    /// Errors: Io (disk full; the folder and the remedy).
    Status write(std::int64_t offset, std::span<const std::byte> bytes);
    Status read(std::int64_t offset, std::span<std::byte> bytes) const;
    std::int64_t size() const; ///< bytes reserved so far

private:
    Status open();

    std::filesystem::path m_folder;
    mutable std::mutex m_mutex; ///< guards m_size and the opening
    int m_descriptor = -1;
    std::int64_t m_size = 0;
};

/// Where scratch files go: SLURM_TMPDIR or TMPDIR, else `cacheFolder`, else the system's folder for temporary files.
std::filesystem::path scratchFolder(const std::filesystem::path& cacheFolder);

} // namespace paretoscope::core
