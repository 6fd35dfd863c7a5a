// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/merge/shard_file.h"
#include "core/project/project_store.h"
#include "jobs/sweep_runner.h"

#include <QTemporaryDir>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// Whether a run is to record into a shard (*.psl) instead of a project.
bool isShardName(const std::string& project);

/// What was done before.
struct Recorded
{
    std::vector<core::TrialRecord> trials;
    std::vector<core::StoredArtifact> artifacts;
};

core::Result<Recorded> recordedIn(const core::ProjectStore& store);

/// What a shard and the others in its folder hold, also while nodes append to them. Errors: those of merging the shard.
core::Result<Recorded> recordedInShard(const std::string& shard);

/// A run on a cluster node: the sweep works on a project of its own in the temporary folder, which begins with what the
/// shards of the folder hold, and every trial that ends is appended to the run's own shard.
class ShardSession
{
public:
    /// Errors: those of ShardWriter::open and of merging the shard.
    static core::Result<std::unique_ptr<ShardSession>> open(const std::string& shard);

    std::filesystem::path project() const; ///< the private one, there already
    /// Why other shards of the folder were left out.
    const std::vector<core::Error>& leftOut() const { return m_leftOut; }
    /// Follows the runner from now on. A trial that cannot be appended stops it: see `error`.
    void follow(jobs::SweepRunner& runner);
    const std::optional<core::Error>& error() const { return m_error; }

private:
    explicit ShardSession(core::ShardWriter writer)
        : m_writer(std::move(writer))
    {}
    core::Status begin(const core::ProjectStore& store);

    QTemporaryDir m_folder;
    core::ShardWriter m_writer;
    std::vector<core::Error> m_leftOut;
    std::optional<core::Error> m_error;
};

} // namespace paretoscope::app
