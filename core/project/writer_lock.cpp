// SPDX-License-Identifier: Apache-2.0
#include "core/project/writer_lock.h"

#include "core/project/project_files.h"
#include "core/project/timestamp.h"
#include "core/project/utf8.h"

#include "core/base/json.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

std::string hostName()
{
    std::array<char, 256> name {};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? validUtf8(name.data()) : "unknown host";
}

std::string programName()
{
    std::error_code failure;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
    return failure ? "paretoscope" : validUtf8(program.filename().string());
}

/// When this process started: with pid and host it names the process for good, pids are reused.
std::string programStart()
{
    std::ifstream statFile("/proc/self/stat");
    std::ifstream uptimeFile("/proc/uptime");
    const std::string stat((std::istreambuf_iterator<char>(statFile)), std::istreambuf_iterator<char>());
    double uptimeSeconds = 0;
    const std::size_t nameEnd = stat.rfind(')'); // the name may hold spaces and parentheses
    if (nameEnd == std::string::npos || !(uptimeFile >> uptimeSeconds))
        return utcTimestamp();
    std::istringstream fields(stat.substr(nameEnd + 1));
    std::string field;
    for (int number = 3; number <= 22 && fields >> field; ++number) { // 22: starttime, in clock ticks since boot
    }
    const double startSeconds = std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto age = std::chrono::duration<double>(uptimeSeconds - startSeconds);
    return utcTimestamp(std::chrono::system_clock::now() -
                        std::chrono::duration_cast<std::chrono::system_clock::duration>(age));
}

std::string ownText()
{
    return canonicalJson({{"pid", ::getpid()},
                          {"host", hostName()},
                          {"program", programName()},
                          {"started_utc", programStart()},
                          {"locked_utc", utcTimestamp()}}) +
           "\n";
}

Error lockedBy(int descriptor, const std::filesystem::path& project)
{
    std::array<char, 4096> text {};
    const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
    const Json holder =
        Json::parse(std::string_view(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0), nullptr, false);
    std::string who = "another process";
    if (holder.is_object() && holder.contains("pid") && holder["pid"].is_number_integer()) {
        const auto field = [&holder](const char* key) {
            const auto found = holder.find(key);
            return found != holder.end() && found->is_string() ? found->get<std::string>() : std::string("?");
        };
        who = "process " + std::to_string(holder["pid"].get<std::int64_t>()) + " (" + field("program") + " on " +
              field("host") + ", started " + field("started_utc") + ")";
    }
    return {ErrorCode::Busy, project.string() + " is being written by " + who,
            "wait until it has finished, stop it, or open the project read-only"};
}

Error cannotLock(const std::filesystem::path& file, int code)
{
    const std::string folder = file.parent_path().string();
    if (code == EACCES || code == EPERM || code == EROFS)
        return {ErrorCode::Io, "cannot write in " + folder + ": " + std::strerror(code),
                "change the permissions, or copy the project to a folder of yours"};
    if (code == ENOENT || code == ENOTDIR)
        return {ErrorCode::NotFound, "the folder " + folder + " does not exist", "create it, or give another path"};
    if (code == ENOSPC || code == EDQUOT)
        return {ErrorCode::Io, "cannot write in " + folder + ": " + std::strerror(code), "free space there"};
    return {ErrorCode::Io, "cannot lock " + file.string() + ": " + std::strerror(code),
            "put the project on a file system with file locks, for instance a local disk"};
}

/// 0 or an errno; EAGAIN when somebody else holds it.
int tryLock(int descriptor)
{
    struct flock range
    {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    return ::fcntl(descriptor, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

/// 0 or an errno.
int writeText(int descriptor, const std::string& text)
{
    errno = 0;
    if (::ftruncate(descriptor, 0) != 0)
        return errno;
    if (::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()))
        return 0;
    return errno != 0 ? errno : ENOSPC; // a part was written: the disk is full
}

} // namespace

Result<WriterLock> WriterLock::acquire(const std::filesystem::path& lockFile, const std::filesystem::path& project)
{
    while (true) {
        const int descriptor = ::open(lockFile.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor < 0)
            return cannotLock(lockFile, errno);
        if (const int code = tryLock(descriptor); code != 0) {
            const Error error =
                code == EAGAIN || code == EACCES ? lockedBy(descriptor, project) : cannotLock(lockFile, code);
            ::close(descriptor);
            return error;
        }
        WriterLock lock(lockFile, descriptor);
        struct stat locked
        {};
        const FileStamp named = stampOf(lockFile);
        if (::fstat(descriptor, &locked) == 0 && named.exists && named.inode == locked.st_ino &&
            named.device == locked.st_dev) {
            const int code = writeText(descriptor, ownText());
            return code == 0 ? Result<WriterLock>(std::move(lock)) : cannotLock(lockFile, code);
        }
        // The last holder took the file away between open and lock: ours has no name any more, so take the next one.
        ::close(std::exchange(lock.m_descriptor, -1));
    }
}

bool WriterLock::isHeld(const std::filesystem::path& lockFile)
{
    const int descriptor = ::open(lockFile.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return errno != ENOENT;
    struct flock range
    {};
    range.l_type = F_RDLCK;
    range.l_whence = SEEK_SET;
    const bool isFree = ::fcntl(descriptor, F_OFD_GETLK, &range) == 0 && range.l_type == F_UNLCK;
    ::close(descriptor);
    return !isFree;
}

WriterLock::WriterLock(std::filesystem::path file, int descriptor)
    : m_file(std::move(file))
    , m_descriptor(descriptor)
{}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : m_file(std::move(other.m_file))
    , m_descriptor(std::exchange(other.m_descriptor, -1))
{}

WriterLock::~WriterLock()
{
    if (m_descriptor < 0)
        return;
    ::unlink(m_file.c_str());
    ::close(m_descriptor);
}

} // namespace paretoscope::core
