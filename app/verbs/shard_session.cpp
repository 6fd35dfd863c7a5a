// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/shard_session.h"

#include "core/project/merge/merge.h"

namespace paretoscope::app {

namespace {

core::Error noFolder(const QTemporaryDir& folder)
{
    return {core::ErrorCode::Io, "cannot make a folder for the run: " + folder.errorString().toStdString(),
            "set TMPDIR to a folder of this machine with free space"};
}

} // namespace

bool isShardName(const std::string& project)
{
    return std::filesystem::path(project).extension() == ".psl";
}

core::Result<Recorded> recordedInShard(const std::string& shard)
{
    const QTemporaryDir folder;
    if (!folder.isValid())
        return noFolder(folder);
    const std::filesystem::path project = folder.filePath(QStringLiteral("shard.pscope")).toStdString();
    PSC_TRY(core::mergeProjects({shard}, project, false));
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    Recorded recorded;
    PSC_ASSIGN(recorded.trials, store.trials());
    PSC_ASSIGN(recorded.artifacts, store.artifacts());
    return recorded;
}

core::Result<std::unique_ptr<ShardSession>> ShardSession::open(const std::string& shard)
{
    PSC_ASSIGN(core::ShardWriter writer, core::ShardWriter::open(shard));
    std::unique_ptr<ShardSession> session(new ShardSession(std::move(writer)));
    if (!session->m_folder.isValid())
        return noFolder(session->m_folder);
    PSC_TRY(core::mergeProjects({shard}, session->project(), false));
    return session;
}

std::filesystem::path ShardSession::project() const
{
    return m_folder.filePath(QStringLiteral("shard.pscope")).toStdString();
}

core::Status ShardSession::begin(const core::ProjectStore& store)
{
    PSC_ASSIGN(const std::vector<core::WorkloadRecord> workloads, store.workloads());
    for (const core::WorkloadRecord& workload : workloads)
        PSC_TRY(m_writer.append(workload));
    PSC_ASSIGN(const std::vector<core::SweepRecord> sweeps, store.sweeps());
    for (const core::SweepRecord& sweep : sweeps)
        PSC_TRY(m_writer.append(sweep));
    return core::success();
}

void ShardSession::follow(jobs::SweepRunner& runner)
{
    const auto keep = [this, &runner](const core::Status& appended) {
        if (appended.ok() || m_error)
            return;
        m_error = appended.error();
        runner.stop();
    };
    QObject::connect(&runner, &jobs::SweepRunner::trialFinished, &runner,
                     [this, keep, begun = false, &runner](const core::TrialRecord& trial) mutable {
                         if (!begun)
                             keep(begin(runner.store())); // a run with nothing to do leaves the shard as it is
                         begun = true;
                         keep(m_writer.append(trial));
                     });
}

} // namespace paretoscope::app
