// SPDX-License-Identifier: Apache-2.0
// To be preloaded: a process has room for BYTES below a folder, then the disk is full. PARETOSCOPE_FULL_DISK="BYTES
// FOLDER". The file FOLDER.full tells that this happened. Needs neither privileges nor a disk of its own.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::atomic<long long> written {0};

bool isBelow(int descriptor, const std::string& folder)
{
    char path[4096];
    const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path);
    return length > 0 && std::string(path, static_cast<std::size_t>(length)).starts_with(folder + '/');
}

/// How many of `wanted` bytes still fit; counts them.
std::size_t roomFor(int descriptor, std::size_t wanted)
{
    const char* setting = std::getenv("PARETOSCOPE_FULL_DISK");
    if (!setting)
        return wanted;
    char* folder = nullptr;
    const long long capacity = std::strtoll(setting, &folder, 10);
    if (*folder == ' ')
        ++folder;
    if (!isBelow(descriptor, folder))
        return wanted;
    const long long before = written.fetch_add(static_cast<long long>(wanted));
    const long long room = std::clamp(capacity - before, 0LL, static_cast<long long>(wanted));
    if (room == 0 && wanted > 0)
        ::close(::open((std::string(folder) + ".full").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return static_cast<std::size_t>(room);
}

template <typename Function>
Function real(const char* name)
{
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

ssize_t full()
{
    errno = ENOSPC;
    return -1;
}

} // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, std::size_t count)
{
    static const auto next = real<ssize_t (*)(int, const void*, std::size_t)>("write");
    const std::size_t room = roomFor(descriptor, count);
    return room == 0 && count > 0 ? full() : next(descriptor, bytes, room);
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t offset)
{
    static const auto next = real<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
    const std::size_t room = roomFor(descriptor, count);
    return room == 0 && count > 0 ? full() : next(descriptor, bytes, room, offset);
}

ssize_t writev(int descriptor, const iovec* parts, int count)
{
    static const auto next = real<ssize_t (*)(int, const iovec*, int)>("writev");
    std::size_t wanted = 0;
    for (int i = 0; i < count; ++i)
        wanted += parts[i].iov_len;
    return roomFor(descriptor, wanted) < wanted ? full() : next(descriptor, parts, count);
}
}
