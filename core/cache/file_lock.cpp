// SPDX-License-Identifier: Apache-2.0
#include "core/cache/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace paretoscope::core {

std::optional<FileLock> FileLock::tryLock(const std::filesystem::path& file)
{
    for (;;) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (descriptor < 0)
            return std::nullopt;
        FileLock lock(file, descriptor);
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
            return std::nullopt;
        // Its last holder may have removed the file between the two calls: then somebody may hold a new one.
        struct stat held = {};
        struct stat named = {};
        if (::fstat(descriptor, &held) == 0 && ::stat(file.c_str(), &named) == 0 && held.st_ino == named.st_ino)
            return lock;
    }
}

FileLock::FileLock(std::filesystem::path file, int descriptor)
    : m_file(std::move(file))
    , m_descriptor(descriptor)
{}

FileLock::FileLock(FileLock&& other) noexcept
    : m_file(std::move(other.m_file))
    , m_descriptor(std::exchange(other.m_descriptor, -1))
{}

FileLock& FileLock::operator=(FileLock&& other) noexcept
{
    if (this != &other) {
        release();
        m_file = std::move(other.m_file);
        m_descriptor = std::exchange(other.m_descriptor, -1);
    }
    return *this;
}

FileLock::~FileLock()
{
    release();
}

void FileLock::touch() const
{
    ::futimens(m_descriptor, nullptr);
}

void FileLock::remove()
{
    if (m_descriptor >= 0)
        ::unlink(m_file.c_str());
    release();
}

void FileLock::release()
{
    if (m_descriptor >= 0)
        ::close(std::exchange(m_descriptor, -1));
}

} // namespace paretoscope::core
