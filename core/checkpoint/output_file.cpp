// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/output_file.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

fs::path folderOf(const fs::path& path)
{
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Error ioError(const fs::path& path, std::string_view verb, int code)
{
    const std::string message = "cannot " + std::string(verb) + " " + path.string() + ": " + std::strerror(code);
    if (code == ENOSPC || code == EDQUOT)
        return {ErrorCode::Io, message, "free space on that disk, or write elsewhere"};
    if (code == ENOENT || code == ENOTDIR)
        return {ErrorCode::Io, message, "create the folder " + folderOf(path).string() + " first"};
    return {ErrorCode::Io, message, "check permissions and the disk"};
}

} // namespace

void syncFolder(const fs::path& folder)
{
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    ::fsync(descriptor);
    ::close(descriptor);
}

Status requireFreeSpace(const fs::path& folder, std::int64_t bytes)
{
    struct statvfs status
    {};
    if (::statvfs(folder.c_str(), &status) != 0)
        return ioError(folder / "", "write into", errno);
    unsigned long free = 0;
    const bool endless = __builtin_mul_overflow(status.f_bavail, status.f_frsize, &free);
    if (endless || free >= static_cast<std::uint64_t>(bytes))
        return success();
    return Error {ErrorCode::Io,
                  "the output needs " + std::to_string(bytes) + " bytes, but " + folder.string() + " has " +
                      std::to_string(free) + " free",
                  "free space on that disk, or write elsewhere"};
}

Status requireAbsent(const fs::path& path)
{
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(path, ignored)))
        return success();
    return Error {ErrorCode::InvalidArgument, path.string() + " exists already",
                  "give another name, or allow overwriting"};
}

Result<OutputFile> OutputFile::create(const fs::path& path, std::int64_t bytes)
{
    PSC_TRY(requireFreeSpace(folderOf(path), bytes));
    constexpr int kAttempts = 100; // other writers of this process, or leftovers of a killed one
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const fs::path temporary = path.string() + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
        const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (descriptor < 0 && errno == EEXIST)
            continue;
        if (descriptor < 0)
            return ioError(path, "write", errno);
        OutputFile file(path, temporary, descriptor);
        // Not every file system can reserve; those that can tell now that a disk will be full.
        if (bytes > 0 && ::fallocate(descriptor, 0, 0, bytes) != 0 &&
            (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
            return file.failed("write", errno);
        return file;
    }
    return ioError(path, "write", EEXIST);
}

OutputFile::OutputFile(fs::path path, fs::path temporary, int descriptor)
    : m_path(std::move(path))
    , m_temporary(std::move(temporary))
    , m_descriptor(descriptor)
{}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : m_path(std::move(other.m_path))
    , m_temporary(std::move(other.m_temporary))
    , m_descriptor(std::exchange(other.m_descriptor, -1))
{}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_temporary, other.m_temporary);
    std::swap(m_descriptor, other.m_descriptor);
    return *this;
}

OutputFile::~OutputFile()
{
    discard();
}

void OutputFile::discard()
{
    if (m_descriptor < 0)
        return;
    ::close(std::exchange(m_descriptor, -1));
    ::unlink(m_temporary.c_str());
}

Error OutputFile::failed(std::string_view verb, int code) const
{
    return ioError(m_path, verb, code);
}

Status OutputFile::writeAt(std::int64_t offset, std::span<const std::byte> bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(m_descriptor, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return failed("write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += count;
    }
    return success();
}

Status OutputFile::commit(bool overwrite)
{
    if (::fsync(m_descriptor) != 0)
        return failed("write", errno);
    if (!overwrite)
        PSC_TRY(requireAbsent(m_path));
    if (::rename(m_temporary.c_str(), m_path.c_str()) != 0)
        return failed("name", errno);
    ::close(std::exchange(m_descriptor, -1));
    syncFolder(folderOf(m_path));
    return success();
}

} // namespace paretoscope::core
