// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/shard_session.h"

#include "core/project/merge/merge.h"

#include <algorithm>

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

namespace {

/// The other shards of the folder: what another element, or an array before this one, recorded is not run again.
std::vector<std::filesystem::path> neighboursOf(const std::filesystem::path& shard)
{
    std::vector<std::filesystem::path> neighbours;
    std::error_code failure;
    const std::filesystem::path folder = std::filesystem::absolute(shard, failure).parent_path();
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
        if (isShardName(entry.path().string()) && entry.path().filename() != shard.filename())
            neighbours.push_back(entry.path());
    }
    std::sort(neighbours.begin(), neighbours.end());
    return neighbours;
}

/// Makes `project` of a shard, which need not exist, and its neighbours. A neighbour that cannot be read is left out
/// and named: its trials may run twice, which a merge bears.
core::Status gather(const std::filesystem::path& shard, const std::filesystem::path& project,
                    std::vector<core::Error>& leftOut)
{
    std::error_code failure;
    if (std::filesystem::exists(shard, failure))
        PSC_TRY(core::mergeProjects({shard}, project, false));
    const std::vector<std::filesystem::path> neighbours = neighboursOf(shard);
    if (neighbours.empty() || core::mergeProjects(neighbours, project, false).ok())
        return core::success();
    for (const std::filesystem::path& neighbour : neighbours) {
        if (const auto merged = core::mergeProjects({neighbour}, project, false); !merged.ok())
            leftOut.push_back(merged.error());
    }
    return core::success();
}

} // namespace

core::Result<Recorded> recordedIn(const core::ProjectStore& store)
{
    Recorded recorded;
    PSC_ASSIGN(recorded.trials, store.trials());
    PSC_ASSIGN(recorded.artifacts, store.artifacts());
    return recorded;
}

core::Result<Recorded> recordedInShard(const std::string& shard)
{
    const QTemporaryDir folder;
    if (!folder.isValid())
        return noFolder(folder);
    const std::filesystem::path project = folder.filePath(QStringLiteral("shard.pscope")).toStdString();
    std::vector<core::Error> ignored;
    PSC_TRY(gather(shard, project, ignored));
    std::error_code failure;
    if (!std::filesystem::exists(project, failure))
        return Recorded();
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    return recordedIn(store);
}

core::Result<std::unique_ptr<ShardSession>> ShardSession::open(const std::string& shard)
{
    PSC_ASSIGN(core::ShardWriter writer, core::ShardWriter::open(shard));
    std::unique_ptr<ShardSession> session(new ShardSession(std::move(writer)));
    if (!session->m_folder.isValid())
        return noFolder(session->m_folder);
    PSC_TRY(gather(shard, session->project(), session->m_leftOut));
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
