// SPDX-License-Identifier: Apache-2.0
#include "core/base/scratch_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

constexpr char kFreeSpace[] = "free space there, set TMPDIR to a folder on a larger disk, or allow more memory with "
                              "--memory-budget";

Error scratchError(const std::filesystem::path& folder, std::string_view verb, int code)
{
    const std::string message =
        "cannot " + std::string(verb) + " scratch data in " + folder.string() + ": " + std::strerror(code);
    return {ErrorCode::Io, message,
            code == ENOSPC || code == EDQUOT || code == EFBIG ? kFreeSpace
                                                              : "set TMPDIR to a folder that can be written"};
}

} // namespace

ScratchFile::ScratchFile(std::filesystem::path folder)
    : m_folder(std::move(folder))
{}

ScratchFile::~ScratchFile()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

Status ScratchFile::open()
{
    std::error_code problem;
    std::filesystem::create_directories(m_folder, problem);
    // Not every file system knows files without a name.
    m_descriptor = ::open(m_folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (m_descriptor < 0) {
        std::string name = (m_folder / "paretoscope-scratch-XXXXXX").string();
        m_descriptor = ::mkostemp(name.data(), O_CLOEXEC);
        if (m_descriptor < 0)
            return scratchError(m_folder, "make", errno);
        ::unlink(name.c_str());
    }
    return success();
}

Result<std::int64_t> ScratchFile::reserve(std::int64_t bytes)
{
    const std::lock_guard lock(m_mutex);
    if (m_descriptor < 0)
        PSC_TRY(open());
    std::error_code problem;
    const std::filesystem::space_info space = std::filesystem::space(m_folder, problem);
    if (!problem && space.available < static_cast<std::uintmax_t>(bytes))
        return Error {ErrorCode::Io,
                      "scratch data needs " + std::to_string(bytes) + " more bytes in " + m_folder.string() +
                          ", where " + std::to_string(space.available) + " are free",
                      kFreeSpace};
    const std::int64_t offset = m_size;
    m_size += bytes;
    return offset;
}

Status ScratchFile::write(std::int64_t offset, std::span<const std::byte> bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(m_descriptor, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return scratchError(m_folder, "write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += count;
    }
    return success();
}

Status ScratchFile::read(std::int64_t offset, std::span<std::byte> bytes) const
{
    while (!bytes.empty()) {
        const ssize_t count = ::pread(m_descriptor, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return scratchError(m_folder, "read", count < 0 ? errno : EIO);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += count;
    }
    return success();
}

std::int64_t ScratchFile::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_size;
}

std::filesystem::path scratchFolder(const std::filesystem::path& cacheFolder)
{
    for (const char* variable : {"SLURM_TMPDIR", "TMPDIR"}) {
        if (const char* folder = std::getenv(variable); folder && *folder)
            return folder;
    }
    if (!cacheFolder.empty())
        return cacheFolder / "scratch";
    return std::filesystem::temp_directory_path();
}

} // namespace paretoscope::core
