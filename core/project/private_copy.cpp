// SPDX-License-Identifier: Apache-2.0
#include "core/project/private_copy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

constexpr std::size_t kBlock = 1 << 20;

/// Whether it may be written right now; also when its clock is ahead of ours.
bool isRecent(const FileStamp& stamp)
{
    const auto modified = std::chrono::nanoseconds(stamp.modifiedNs);
    return stamp.exists && std::chrono::system_clock::now().time_since_epoch() - modified < std::chrono::seconds(5);
}

Error noRoom(const ProjectFiles& files, const std::filesystem::path& folder)
{
    return {ErrorCode::Io,
            "cannot read " + files.main.string() + ": a private copy of it does not fit into " + folder.string(),
            "free space there, or set TMPDIR to a folder with room"};
}

Status checkRoom(const ProjectFiles& files, const std::filesystem::path& folder)
{
    std::error_code failure;
    const std::filesystem::space_info space = std::filesystem::space(folder, failure);
    const std::int64_t needed = stampOf(files.main).size + 2 * stampOf(files.wal).size + stampOf(files.journal).size;
    if (!failure && static_cast<std::uintmax_t>(needed) > space.available)
        return noRoom(files, folder);
    return success();
}

Status copyMain(Database& source, const ProjectFiles& files, const std::filesystem::path& to)
{
    std::ofstream out(to, std::ios::binary);
    std::vector<std::uint8_t> block(kBlock);
    const auto size = static_cast<std::uint64_t>(stampOf(files.main).size);
    for (std::uint64_t offset = 0; offset < size && out; offset += block.size()) {
        const std::span<std::uint8_t> part(block.data(), std::min<std::uint64_t>(block.size(), size - offset));
        PSC_TRY(source.readFile(static_cast<std::int64_t>(offset), part));
        out.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
    }
    out.flush();
    return out ? success() : Status(noRoom(files, to.parent_path()));
}

/// SQLite holds no lock on these two, so opening them here is safe.
Status copySideFile(const std::filesystem::path& from, const std::filesystem::path& to, const ProjectFiles& files)
{
    if (stampOf(from).size == 0)
        return success();
    std::ifstream in(from, std::ios::binary);
    std::ofstream out(to, std::ios::binary);
    out << in.rdbuf();
    out.flush();
    if (!in)
        return Error {ErrorCode::Io, "cannot read " + from.string() + ": " + std::strerror(errno),
                      "check the permissions"};
    return out ? success() : Status(noRoom(files, to.parent_path()));
}

Status copyFiles(Database& source, const ProjectFiles& files, const ProjectFiles& copied)
{
    PSC_TRY(checkRoom(files, copied.main.parent_path()));
    for (const std::filesystem::path& earlier : {copied.main, copied.wal, copied.journal})
        ::unlink(earlier.c_str());
    PSC_TRY(copyMain(source, files, copied.main));
    PSC_TRY(copySideFile(files.wal, copied.wal, files));
    return copySideFile(files.journal, copied.journal, files);
}

} // namespace

TemporaryFolder::TemporaryFolder()
{
    std::error_code failure;
    std::string name = (std::filesystem::temp_directory_path(failure) / "paretoscope-XXXXXX").string();
    if (!failure && ::mkdtemp(name.data()))
        m_path = name;
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : m_path(std::exchange(other.m_path, {}))
{}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    if (!m_path.empty())
        std::filesystem::remove_all(m_path, ignored);
}

ProjectStamps ProjectStamps::of(const ProjectFiles& files)
{
    return {stampOf(files.main), stampOf(files.wal), stampOf(files.journal)};
}

PrivateCopy::PrivateCopy(TemporaryFolder folder)
    : m_folder(std::move(folder))
    , m_files(ProjectFiles::of(m_folder.path() / "copy.pscope"))
{}

Result<PrivateCopy> PrivateCopy::make(Database& source, const ProjectFiles& files, const StoreEnvironment& environment)
{
    const auto deadline = std::chrono::steady_clock::now() + environment.patience;
    TemporaryFolder folder;
    if (folder.path().empty())
        return noRoom(files, "the temporary folder");
    PrivateCopy copy(std::move(folder));
    do { // once at least, however slow the machine
        copy.m_stamps = ProjectStamps::of(files);
        if (isRecent(copy.m_stamps.main) || isRecent(copy.m_stamps.wal) || isRecent(copy.m_stamps.journal))
            std::this_thread::sleep_for(environment.fileTimeTick); // a write in the tick of the stamps would go unseen
        const Status copied = copyFiles(source, files, copy.m_files);
        if (ProjectStamps::of(files) == copy.m_stamps)
            return copied.ok() ? Result<PrivateCopy>(std::move(copy)) : Result<PrivateCopy>(copied.error());
    } while (std::chrono::steady_clock::now() < deadline);
    return Error {ErrorCode::Busy, files.main.string() + " changes faster than it can be read",
                  "try again when its writer is done"};
}

} // namespace paretoscope::core
