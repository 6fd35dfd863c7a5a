// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace paretoscope::core {

/// A large file of known size that takes its name only when it is complete: a temporary file beside it, positioned
/// writes, then fsync and rename. Removes the temporary file when it goes away uncommitted.
class OutputFile
{
public:
    /// Reserves `bytes` where the file system can. Errors: Io (folder not writable; too little free space).
    static Result<OutputFile> create(const std::filesystem::path& path, std::int64_t bytes);

    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&& other) noexcept;
    ~OutputFile();

    Status writeAt(std::int64_t offset, std::span<const std::byte> bytes);
    /// Errors: Io; InvalidArgument when the name has been taken meanwhile and `overwrite` is false.
    Status commit(bool overwrite);
    const std::filesystem::path& path() const { return m_path; }

private:
    OutputFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);
    Error failed(std::string_view verb, int code) const;
    void discard();

    std::filesystem::path m_path;
    std::filesystem::path m_temporary;
    int m_descriptor = -1;
};

/// Makes the names in `folder` survive a power cut. Some file systems refuse, which loses nothing else.
void syncFolder(const std::filesystem::path& folder);

/// Errors: Io when the file system of `folder` has less than `bytes` free; the message has both numbers.
Status requireFreeSpace(const std::filesystem::path& folder, std::int64_t bytes);

/// Errors: InvalidArgument when `path` exists.
Status requireAbsent(const std::filesystem::path& path);

} // namespace paretoscope::core
