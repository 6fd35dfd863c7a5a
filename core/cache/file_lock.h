// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace paretoscope::core {

/// A lock between processes, and between objects of one: a file that is locked for the life of the object. The kernel
/// lets go of it when the process dies, however it dies.
class FileLock
{
public:
    /// Makes the file when it does not exist; its folder must. Nothing when somebody else holds the lock, or when the
    /// file cannot be made. Never waits.
    static std::optional<FileLock> tryLock(const std::filesystem::path& file);

    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

    /// Sets the time of the file to now: a sign of life for those who wait.
    void touch() const;
    /// Removes the file together with the lock.
    void remove();

private:
    FileLock(std::filesystem::path file, int descriptor);
    void release();

    std::filesystem::path m_file;
    int m_descriptor = -1;
};

} // namespace paretoscope::core
