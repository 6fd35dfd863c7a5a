// SPDX-License-Identifier: Apache-2.0
#include "core/project/snapshot_copy.h"

#include "core/project/file_check.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

constexpr std::size_t kBlock = 1 << 20;
/// File times tick every few milliseconds: two writes within one tick look like one.
constexpr std::chrono::milliseconds kTick {20};

/// A folder of our own below the temporary folder; removed with all in it.
class TemporaryFolder
{
public:
    TemporaryFolder()
    {
        std::error_code failure;
        std::string name = (std::filesystem::temp_directory_path(failure) / "paretoscope-XXXXXX").string();
        if (!failure && ::mkdtemp(name.data()))
            m_path = name;
    }
    ~TemporaryFolder()
    {
        std::error_code ignored;
        if (!m_path.empty())
            std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

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

Status copyFiles(Database& source, const ProjectFiles& files, const std::filesystem::path& copy)
{
    PSC_TRY(checkRoom(files, copy.parent_path()));
    const ProjectFiles copied = ProjectFiles::of(copy);
    for (const std::filesystem::path& earlier : {copied.main, copied.wal, copied.journal})
        ::unlink(earlier.c_str());
    PSC_TRY(copyMain(source, files, copied.main));
    PSC_TRY(copySideFile(files.wal, copied.wal, files));
    return copySideFile(files.journal, copied.journal, files);
}

} // namespace

SnapshotCopy::Stamps SnapshotCopy::Stamps::of(const ProjectFiles& files)
{
    return {stampOf(files.main), stampOf(files.wal), stampOf(files.journal)};
}

bool SnapshotCopy::isCurrent(const ProjectFiles& files) const
{
    return Stamps::of(files) == m_stamps;
}

Result<SnapshotCopy> SnapshotCopy::make(Database& source, const ProjectFiles& files,
                                        const StoreEnvironment& environment)
{
    const auto deadline = std::chrono::steady_clock::now() + environment.patience;
    const TemporaryFolder folder;
    if (folder.path().empty())
        return noRoom(files, "the temporary folder");
    const std::filesystem::path copy = folder.path() / "copy.pscope";
    while (std::chrono::steady_clock::now() < deadline) {
        const Stamps before = Stamps::of(files);
        std::this_thread::sleep_for(kTick); // a write in the tick of `before` would go unseen
        const Status copied = copyFiles(source, files, copy);
        if (Stamps::of(files) == before)
            return copied.ok() ? openCopy(copy, files, before, environment) : Result<SnapshotCopy>(copied.error());
    }
    return Error {ErrorCode::Busy, files.main.string() + " changes faster than it can be read",
                  "try again when its writer is done"};
}

Result<SnapshotCopy> SnapshotCopy::openCopy(const std::filesystem::path& copy, const ProjectFiles& files,
                                            const Stamps& stamps, const StoreEnvironment& environment)
{
    PSC_ASSIGN(Database database, Database::open(copy, Database::Access::ReadWrite, files.main));
    // Exclusive: the WAL is read without shared memory. The journal goes to memory: the names are gone in a moment.
    PSC_TRY(database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; "
                             "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"));
    PSC_ASSIGN(const FileHeader header, checkHeader(database, ProjectFiles::of(copy)));
    PSC_TRY(checkContent(database, environment.steps, header));
    PSC_TRY(migrate(database, environment.steps));
    return SnapshotCopy(std::move(database), stamps);
}

} // namespace paretoscope::core
