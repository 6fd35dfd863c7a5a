// SPDX-License-Identifier: Apache-2.0
#include "jobs/shared_work.h"

#include "core/base/installation.h"
#include "core/cache/artifact_cache.h"
#include "core/sweep/shared_work.h"

#include <algorithm>

namespace paretoscope::jobs {

namespace {

using core::ArtifactKind;
using core::Json;
using core::TrialTree;

/// Under which conditions the first worker will compute.
core::ComputeConditions conditionsOf(const SweepOptions& options)
{
    const auto devices = parseDevices(options.device);
    const std::string device = devices.ok() ? devices.value().front() : "auto";
    return {workerCounts(options).threads, device == "auto" ? "cpu" : deviceInWorker(device)};
}

bool areAllThere(core::ArtifactCache& cache, const Json& collection)
{
    const auto entry = cache.find(ArtifactKind::Collection, collection);
    if (!entry)
        return false;
    const Json keys = entry->note.value("statistics", Json::array());
    return std::all_of(keys.begin(), keys.end(),
                       [&](const Json& key) { return cache.contains(ArtifactKind::Statistic, key); });
}

} // namespace

SharedWork sharedWork(const core::Sweep& sweep, const core::WorkloadIdentity& identity, const PreparedSweep& prepared,
                      const SweepOptions& options)
{
    const std::vector<core::PlannedTrial>& trials = prepared.plan.trials;
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    SharedWork work;
    work.tree = TrialTree(trials, prepared.open(), plugins);
    WorkerSettings settings;
    settings.cache = options.cache;
    core::ArtifactCache cache(configurationFor(settings).cache, options.cacheLimit);
    const core::ComputeConditions conditions = conditionsOf(options);
    for (const TrialTree::Node& node : work.tree.nodes()) {
        const core::PlannedTrial& trial =
            trials[std::size_t(work.tree.order()[std::size_t(node.firstTrial)])]; // one of those that pass through
        bool isThere = false;
        if (node.kind == TrialTree::Kind::Stage) {
            isThere = cache.contains(ArtifactKind::Prefix, core::prefixKey(sweep.workload, identity, trial.pipeline,
                                                                           node.steps, trial.seed, conditions));
        } else if (node.kind == TrialTree::Kind::Statistics) {
            const std::size_t next = trial.pipeline.steps()[std::size_t(node.steps)].stage;
            const core::StageSpec& reader = trial.pipeline.stages[next];
            isThere = areAllThere(cache, core::collectionKey(sweep.workload, identity,
                                                             core::sharedStatistics(reader, plugins), conditions));
        }
        work.cached.push_back(isThere);
    }
    return work;
}

} // namespace paretoscope::jobs
