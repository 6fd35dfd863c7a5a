// SPDX-License-Identifier: Apache-2.0
#include "core/project/subset.h"

#include "core/project/database_copy.h"
#include "core/project/project_files.h"
#include "core/project/project_row.h"
#include "core/project/writer_lock.h"

#include <unistd.h>

namespace paretoscope::core {

namespace {

/// The chosen ones are put into the bin, the others deleted, and the bin emptied: no table for the choice is needed.
constexpr std::string_view kChoose = "UPDATE trial SET deleted_utc = '' WHERE hash = ? AND deleted_utc IS NULL";

/// What only the other trials needed goes with them.
constexpr std::string_view kRemoveOthers =
    "DELETE FROM trial WHERE deleted_utc IS NOT '';"
    "UPDATE trial SET deleted_utc = NULL;"
    "DELETE FROM sweep_trial WHERE trial_hash NOT IN (SELECT hash FROM trial);"
    "DELETE FROM sweep WHERE id NOT IN (SELECT sweep_id FROM sweep_trial) AND "
    "id NOT IN (SELECT sweep_id FROM trial WHERE sweep_id NOTNULL);"
    "DELETE FROM event WHERE trial <> '' AND trial NOT IN (SELECT lower(hex(hash)) FROM trial);"
    "DELETE FROM pipeline WHERE id NOT IN (SELECT pipeline_id FROM trial);"
    "DELETE FROM metric WHERE id NOT IN (SELECT metric_id FROM trial_metric);"
    "DELETE FROM layer_quantity WHERE id NOT IN (SELECT quantity_id FROM layer_metric);"
    "DELETE FROM artifact WHERE id NOT IN (SELECT artifact_id FROM trial_artifact);"
    "DELETE FROM workload WHERE id NOT IN (SELECT workload_id FROM trial WHERE workload_id NOTNULL UNION "
    "SELECT workload_id FROM activation_profile UNION "
    "SELECT workload_id FROM marker_result WHERE workload_id NOTNULL UNION "
    "SELECT workload_id FROM roofline_point WHERE workload_id NOTNULL);"
    "DELETE FROM model WHERE id NOT IN (SELECT model_id FROM workload WHERE model_id NOTNULL);"
    "DELETE FROM data_set WHERE id NOT IN (SELECT data_set_id FROM workload_data_set UNION "
    "SELECT data_set_id FROM marker_result)";

Status keepOnly(const std::filesystem::path& file, std::span<const TrialId> trials)
{
    PSC_ASSIGN(Database database, Database::open(file, Database::Access::ReadWrite));
    PSC_TRY(database.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF"));
    {
        PSC_ASSIGN(Transaction transaction, Transaction::begin(database, Transaction::Kind::Write));
        for (const TrialId& trial : trials) {
            PSC_ASSIGN(Statement choose, database.prepare(kChoose));
            PSC_TRY(choose.with(trial.digest.bytes).run());
            if (database.changes() != 1)
                return Error {ErrorCode::NotFound, "trial " + trial.hex().substr(0, 12) + " is not in the project",
                              "`paretoscope list` shows the trials"};
        }
        PSC_TRY(database.execute(kRemoveOthers));
        PSC_TRY(renewIdentity(database));
        PSC_TRY(transaction.commit());
    }
    return database.vacuum();
}

Status writeSubset(const ProjectStore& project, std::span<const TrialId> trials, const std::filesystem::path& target)
{
    const ProjectFiles files = ProjectFiles::of(target);
    if (stampOf(files.main).isSameFile(stampOf(project.path())))
        return Error {ErrorCode::InvalidArgument, "the subset would replace " + target.string() + " itself",
                      "give another name"};
    PSC_ASSIGN(const WriterLock lock, WriterLock::acquire(files.lock, files.main));
    if (stampOf(files.wal).exists || stampOf(files.journal).exists)
        return Error {ErrorCode::Busy, target.string() + " was not closed by the last program that wrote it",
                      "give another name, or open that project first"};
    const std::filesystem::path temporary = files.main.string() + ".tmp" + std::to_string(::getpid());
    Status done = project.copyTo(temporary);
    if (done.ok())
        done = keepOnly(temporary, trials);
    if (done.ok())
        done = moveIntoPlace(temporary, files.main);
    if (!done.ok())
        ::unlink(temporary.c_str());
    return done;
}

/// The kept artifacts of a new project come from beside the old one.
Status bringArtifacts(const ProjectStore& project, const std::filesystem::path& target)
{
    const std::filesystem::path source = project.path();
    PSC_TRY(gatherArtifacts({&source, 1}, target));
    return success();
}

} // namespace

Status exportSubset(const ProjectStore& project, std::span<const TrialId> trials, const std::filesystem::path& target)
{
    PSC_TRY(writeSubset(project, trials, target));
    return bringArtifacts(project, target);
}

Status copyProject(const ProjectStore& project, const std::filesystem::path& target)
{
    PSC_TRY(project.copyTo(target));
    return bringArtifacts(project, target);
}

} // namespace paretoscope::core
