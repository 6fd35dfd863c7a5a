// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_planning.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <map>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::TrialRecord;
using core::TrialStatus;

constexpr int kMaxWorkers = 1024;

/// Records of programs that knew float32 alone may lack the type.
bool isIn(const core::MetricRecord& metric, const std::string& arithmetic)
{
    return metric.dtype == arithmetic || (metric.dtype.empty() && arithmetic == "float32");
}

bool holdsMeasurement(const TrialRecord& record, const std::string& protocol, const std::string& arithmetic)
{
    return std::any_of(record.metrics.begin(), record.metrics.end(), [&](const core::MetricRecord& metric) {
        return metric.protocol == protocol && isIn(metric, arithmetic);
    });
}

/// What of the requested measurements a trial still lacks; a trial that is not done lacks all.
std::vector<int> missingMeasurements(const TrialRecord* record, const core::WorkloadIdentity& identity,
                                     const std::string& arithmetic)
{
    std::vector<int> missing;
    for (std::size_t i = 0; i < identity.protocolIds.size(); ++i) {
        const bool isDone = record && record->status == TrialStatus::Done;
        if (!isDone || !holdsMeasurement(*record, identity.protocolIds[i], arithmetic))
            missing.push_back(static_cast<int>(i));
    }
    return missing;
}

bool isHeld(const TrialRecord* record, RetryPolicy retry)
{
    if (!record)
        return false;
    switch (record->status) {
    case TrialStatus::Failed:
        return retry != RetryPolicy::Failed;
    case TrialStatus::Interrupted:
        return retry == RetryPolicy::None;
    default:
        return false;
    }
}

core::Result<std::vector<core::PlannedTrial>> select(std::vector<core::PlannedTrial> trials,
                                                     const SweepOptions& options)
{
    std::vector<core::PlannedTrial> selected;
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (static_cast<int>(i % std::size_t(options.shardCount)) != options.shardIndex)
            continue;
        labels.push_back(trials[i].pipeline.label());
        const bool matches = options.only.empty() || labels.back().find(options.only) != std::string::npos ||
                             trials[i].id.hex().find(options.only) != std::string::npos;
        if (matches)
            selected.push_back(std::move(trials[i]));
    }
    if (selected.empty() && !options.only.empty())
        return Error {ErrorCode::InvalidArgument, "--only \"" + options.only + "\" matches no trial of the sweep",
                      core::suggestion(options.only, labels)};
    return selected;
}

Error badOption(const std::string& what, const std::string& remedy)
{
    return {ErrorCode::InvalidArgument, what, remedy};
}

} // namespace

int SweepPlan::remaining() const
{
    int count = 0;
    for (std::size_t i = 0; i < trials.size(); ++i)
        count += !done[i] && !held[i] ? 1 : 0;
    return count;
}

std::vector<int> PreparedSweep::open() const
{
    std::vector<int> indices;
    for (std::size_t i = 0; i < plan.trials.size(); ++i) {
        if (!plan.done[i] && !plan.held[i])
            indices.push_back(static_cast<int>(i));
    }
    return indices;
}

WorkerCounts workerCounts(const SweepOptions& options)
{
    const int cores = availableCores();
    const auto devices = parseDevices(options.device);
    const int cards = devices.ok() ? static_cast<int>(devices.value().size()) : 1;
    const bool onCards = devices.ok() && devices.value().front().starts_with("cuda:");
    WorkerCounts counts;
    counts.jobs = options.jobs > 0 ? options.jobs : onCards ? cards : std::min(cores, 2);
    counts.threads = options.threads > 0 ? options.threads : std::max(1, cores / counts.jobs);
    return counts;
}

core::Status checkOptions(const SweepOptions& options)
{
    if (options.jobs < 0 || options.jobs > kMaxWorkers)
        return badOption("--jobs " + std::to_string(options.jobs) + " is not within 0 to " +
                             std::to_string(kMaxWorkers),
                         "0 chooses by the cores");
    if (options.threads < 0 || options.threads > kMaxWorkers)
        return badOption("--threads " + std::to_string(options.threads) + " is not within 0 to " +
                             std::to_string(kMaxWorkers),
                         "0 shares the cores between the workers");
    if (options.maxTrials < 0)
        return badOption("--max-trials " + std::to_string(options.maxTrials) + " is negative", "0 means all");
    if (options.shardCount < 1 || options.shardIndex < 0 || options.shardIndex >= options.shardCount)
        return badOption("--shard " + std::to_string(options.shardIndex) + '/' + std::to_string(options.shardCount) +
                             " does not exist",
                         "the first of 4 shards is 0/4, the last one 3/4");
    if (options.timeLimitSeconds && !(*options.timeLimitSeconds > 0))
        return badOption("the time limit is not longer than nothing", "e.g. --time-limit 3h50m");
    auto devices = parseDevices(options.device);
    return devices.ok() ? core::success() : core::Status(devices.error());
}

std::filesystem::path artifactFolder(const SweepOptions& options, const std::filesystem::path& project)
{
    return options.artifacts.empty() ? core::artifactFolderOf(project) : options.artifacts;
}

core::Result<PreparedSweep> prepareSweep(const core::Sweep& sweep, const core::WorkloadIdentity& identity,
                                         const SweepOptions& options, const std::vector<TrialRecord>& recorded)
{
    std::map<core::TrialId, const TrialRecord*> known;
    for (const TrialRecord& record : recorded)
        known.emplace(record.id, &record);

    PreparedSweep prepared;
    PSC_ASSIGN(prepared.plan.trials, select(core::planTrials(sweep, identity), options));
    for (const core::PlannedTrial& trial : prepared.plan.trials) {
        const auto found = known.find(trial.id);
        const TrialRecord* record = found == known.end() ? nullptr : found->second;
        const bool isDone = record && record->status == TrialStatus::Done;
        prepared.missing.push_back(missingMeasurements(record, identity, options.arithmetic));
        prepared.recorded.push_back(record != nullptr);
        prepared.attempts.push_back(record ? record->attempts : 0);
        prepared.plan.done.push_back(isDone && prepared.missing.back().empty());
        prepared.plan.held.push_back(isHeld(record, options.retry));
        prepared.kept.push_back(isDone);
    }
    return prepared;
}

} // namespace paretoscope::jobs
