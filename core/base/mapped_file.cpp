// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

class Descriptor
{
public:
    explicit Descriptor(int value) : m_value(value) {}
    ~Descriptor()
    {
        if (m_value >= 0)
            ::close(m_value);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int value() const { return m_value; }

private:
    int m_value;
};

Error systemError(const std::filesystem::path& path, std::string_view verb, int code)
{
    const std::string message = "cannot " + std::string(verb) + " " + path.string() + ": " + std::strerror(code);
    if (code == ENOENT || code == ENOTDIR)
        return {ErrorCode::NotFound, path.string() + " does not exist", "check the path"};
    if (code == ENOSPC || code == EDQUOT)
        return {ErrorCode::Io, message, "free space on that disk, then run the same command again"};
    return {ErrorCode::Io, message, "check permissions and the disk"};
}

} // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.value() < 0)
        return systemError(path, "read", errno);
    struct stat status {};
    if (::fstat(file.value(), &status) != 0)
        return systemError(path, "read", errno);
    if (!S_ISREG(status.st_mode))
        return Error {ErrorCode::Io, path.string() + " is not a regular file", "give the path of a file"};
    MappedFile mapped;
    mapped.m_size = static_cast<std::size_t>(status.st_size);
    if (mapped.m_size == 0)
        return mapped;
    void* data = ::mmap(nullptr, mapped.m_size, PROT_READ, MAP_PRIVATE, file.value(), 0);
    if (data == MAP_FAILED) {
        mapped.m_size = 0;
        return systemError(path, "map", errno);
    }
    mapped.m_data = data;
    return mapped;
}

MappedFile::~MappedFile()
{
    if (m_data)
        ::munmap(m_data, m_size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr))
    , m_size(std::exchange(other.m_size, 0))
{
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept
{
    std::swap(m_data, other.m_data);
    std::swap(m_size, other.m_size);
    return *this;
}

Result<std::string> readTextFile(const std::filesystem::path& path, std::size_t limitBytes)
{
    PSC_ASSIGN(const MappedFile file, MappedFile::open(path));
    if (file.bytes().size() > limitBytes)
        return Error {ErrorCode::Unsupported,
                      path.string() + " has " + std::to_string(file.bytes().size()) + " bytes; at most " +
                          std::to_string(limitBytes) + " are read",
                      "use a smaller file"};
    return std::string(file.text());
}

Status writeFileAtomically(const std::filesystem::path& path, std::string_view content)
{
    const std::filesystem::path temporary = path.string() + ".tmp" + std::to_string(::getpid());
    const auto fail = [&](std::string_view verb, int code) {
        ::unlink(temporary.c_str());
        return systemError(path, verb, code);
    };
    {
        const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (file.value() < 0)
            return systemError(path, "write", errno);
        std::size_t written = 0;
        while (written < content.size()) {
            const ssize_t count = ::write(file.value(), content.data() + written, content.size() - written);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                return fail("write", errno);
            written += static_cast<std::size_t>(count);
        }
        if (::fsync(file.value()) != 0)
            return fail("write", errno);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        return fail("replace", errno);
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.value() >= 0)
        ::fsync(directory.value());
    return success();
}

} // namespace paretoscope::core
