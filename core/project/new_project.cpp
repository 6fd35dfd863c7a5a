// SPDX-License-Identifier: Apache-2.0
#include "core/project/new_project.h"

#include "core/project/database_copy.h"
#include "core/project/project_files.h"

#include "core/base/mapped_file.h"

#include <unistd.h>

namespace paretoscope::core {

NewProject::NewProject(std::filesystem::path file, WriterLock lock, std::span<const Migration> steps)
    : m_lock(std::move(lock))
    , m_file(std::move(file))
    , m_temporary(m_file.string() + ".tmp" + std::to_string(::getpid()))
    , m_steps(steps)
{}

NewProject::~NewProject()
{
    if (!m_database)
        return;
    m_database.reset();
    ::unlink(m_temporary.c_str());
}

Result<NewProject> NewProject::at(const std::filesystem::path& file, std::span<const Migration> steps)
{
    const ProjectFiles files = ProjectFiles::of(file);
    for (const std::filesystem::path& there : {files.main, files.wal, files.journal}) {
        if (stampOf(there).exists)
            return Error {ErrorCode::InvalidArgument, there.string() + " is there already",
                          "give the name of a new file"};
    }
    PSC_ASSIGN(WriterLock lock, WriterLock::acquire(files.lock, files.main));
    NewProject made(files.main, std::move(lock), steps);
    PSC_TRY(made.startAgain());
    return made;
}

Status NewProject::startAgain()
{
    m_database.reset();
    PSC_ASSIGN(const std::string content, newProject(m_steps));
    PSC_TRY(writeFileAtomically(m_temporary, content));
    PSC_ASSIGN(Database database, Database::open(m_temporary, Database::Access::ReadWrite, m_file));
    m_database = std::make_unique<Database>(std::move(database));
    return m_database->execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
}

Status NewProject::finish()
{
    m_database.reset();
    const Status moved = moveIntoPlace(m_temporary, m_file);
    if (!moved.ok())
        ::unlink(m_temporary.c_str());
    return moved;
}

} // namespace paretoscope::core
