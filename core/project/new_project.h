// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/migrations.h"
#include "core/project/writer_lock.h"

#include <memory>

namespace paretoscope::core {

/// A project that is being filled under a temporary name and appears whole under its own, or not at all.
class NewProject
{
public:
    /// Errors: InvalidArgument (there is something of that name); NotFound, Io; Busy.
    static Result<NewProject> at(const std::filesystem::path& file, std::span<const Migration> steps);

    NewProject(NewProject&&) noexcept = default;
    ~NewProject(); ///< nothing is left unless finish() went well

    const std::filesystem::path& path() const { return m_file; }
    Database& database() { return *m_database; } ///< of the newest schema; without a journal
    Status startAgain();                         ///< as it was new
    Status finish();                             ///< synced and renamed. Errors: Io

private:
    NewProject(std::filesystem::path file, WriterLock lock, std::span<const Migration> steps);

    WriterLock m_lock;
    std::filesystem::path m_file;
    std::filesystem::path m_temporary;
    std::span<const Migration> m_steps;
    std::unique_ptr<Database> m_database;
};

} // namespace paretoscope::core
