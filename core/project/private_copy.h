// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/project_files.h"
#include "core/project/store_environment.h"

namespace paretoscope::core {

/// A folder of our own below the temporary folder; removed with all in it.
class TemporaryFolder
{
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(TemporaryFolder&& other) noexcept;
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    const std::filesystem::path& path() const { return m_path; } ///< empty when none could be made

private:
    std::filesystem::path m_path;
};

/// A project with its log and journal as they were at one moment.
struct ProjectStamps
{
    FileStamp main;
    FileStamp wal;
    FileStamp journal;
    static ProjectStamps of(const ProjectFiles& files);
    bool operator==(const ProjectStamps&) const = default;
};

/// A copy of a project, its log and its journal in a temporary folder, gone with this object. Nothing is checked or
/// recovered yet.
class PrivateCopy
{
public:
    /// `source` is a read-only connection to files.main without a transaction.
    /// Errors: Io (no room in the temporary folder, unreadable); Busy (the files keep changing for as long as patience
    /// goes).
    static Result<PrivateCopy> make(Database& source, const ProjectFiles& files, const StoreEnvironment& environment);

    const ProjectFiles& files() const { return m_files; }
    const ProjectStamps& stamps() const { return m_stamps; } ///< of the project that was copied

private:
    explicit PrivateCopy(TemporaryFolder folder);

    TemporaryFolder m_folder;
    ProjectFiles m_files;
    ProjectStamps m_stamps;
};

} // namespace paretoscope::core
