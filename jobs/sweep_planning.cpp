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

bool holdsMeasurement(const TrialRecord& record, const std::string& protocol, const std::string& arithmetic)
{
    return std::any_of(record.metrics.begin(), record.metrics.end(), [&](const core::MetricRecord& metric) {
        return metric.protocol == protocol && core::isMeasuredIn(metric, arithmetic);
    });
}

/// What of the requested measurements a trial still lacks; a trial that is not done lacks all.
std::vector<int> missingMeasurements(const TrialRecord* record, const std::vector<int>& wanted,
                                     const core::WorkloadIdentity& identity, const std::string& arithmetic)
{
    std::vector<int> missing;
    for (const int i : wanted) {
        const bool isDone = record && record->status == TrialStatus::Done;
        if (!isDone || !holdsMeasurement(*record, identity.protocolIds[std::size_t(i)], arithmetic))
            missing.push_back(i);
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

/// Trials of a plan beside what the project holds of them.
class PlanWriter
{
public:
    PlanWriter(PreparedSweep& prepared, const core::WorkloadIdentity& identity, const SweepOptions& options,
               const std::vector<TrialRecord>& recorded)
        : m_prepared(prepared)
        , m_identity(identity)
        , m_options(options)
    {
        for (const TrialRecord& record : recorded)
            m_records.emplace(record.id, &record);
        for (std::size_t i = 0; i < prepared.plan.trials.size(); ++i)
            m_places.emplace(prepared.plan.trials[i].id, static_cast<int>(i));
    }

    const core::SweepSearch::Records& records() const { return m_records; }
    const TrialRecord* recordOf(int trial) const
    {
        const auto found = m_records.find(m_prepared.plan.trials[std::size_t(trial)].id);
        return found == m_records.end() ? nullptr : found->second;
    }

    /// One that is in the plan already is asked for again, with these measurements as well. @return its index
    int add(core::PlannedTrial trial)
    {
        const auto [place, isNew] = m_places.try_emplace(trial.id, m_prepared.plan.total());
        const auto index = static_cast<std::size_t>(place->second);
        if (isNew) {
            m_prepared.plan.trials.push_back(std::move(trial));
            grow();
        } else {
            std::vector<int>& wanted = m_prepared.plan.trials[index].measurements;
            wanted.insert(wanted.end(), trial.measurements.begin(), trial.measurements.end());
            std::sort(wanted.begin(), wanted.end());
            wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
            m_prepared.tried[index] = false;
        }
        compare(place->second);
        return place->second;
    }

    /// With what the project holds.
    void compare(int trial)
    {
        const auto index = static_cast<std::size_t>(trial);
        const TrialRecord* const record = recordOf(trial);
        const bool isDone = record && record->status == TrialStatus::Done;
        m_prepared.missing[index] =
            missingMeasurements(record, m_prepared.plan.trials[index].measurements, m_identity, m_options.arithmetic);
        m_prepared.recorded[index] = record != nullptr;
        m_prepared.attempts[index] = record ? record->attempts : 0;
        m_prepared.plan.done[index] = isDone && m_prepared.missing[index].empty();
        m_prepared.plan.held[index] = isHeld(record, m_options.retry);
        m_prepared.kept[index] = isDone;
    }

    /// Whether a trial of the search needs no more waiting for: measured, or failed.
    bool isSettled(int trial) const
    {
        const auto index = static_cast<std::size_t>(trial);
        const TrialRecord* const record = recordOf(trial);
        const bool hasFailed =
            record && (record->status == TrialStatus::Failed || (m_prepared.kept[index] && m_prepared.tried[index]));
        return m_prepared.plan.done[index] || hasFailed;
    }

private:
    void grow()
    {
        m_prepared.missing.emplace_back();
        m_prepared.recorded.push_back(false);
        m_prepared.attempts.push_back(0);
        m_prepared.plan.done.push_back(false);
        m_prepared.plan.held.push_back(false);
        m_prepared.kept.push_back(false);
        m_prepared.tried.push_back(false);
    }

    PreparedSweep& m_prepared;
    const core::WorkloadIdentity& m_identity;
    const SweepOptions& m_options;
    core::SweepSearch::Records m_records;
    std::map<core::TrialId, int> m_places;
};

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
        if (!plan.done[i] && !plan.held[i] && !tried[i])
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

core::Status requireDivisible(const core::Sweep& sweep)
{
    if (!sweep.isAdaptive())
        return core::success();
    return badOption("driver " + std::string(core::kindOf(sweep.driver).name) +
                         " chooses trials by the results of others, so its sweep cannot be divided into shards",
                     "run it on one machine, or take driver grid, random or sobol");
}

core::Status checkDriver(const core::Sweep& sweep, const SweepOptions& options)
{
    if (options.shardCount > 1)
        PSC_TRY(requireDivisible(sweep));
    if (sweep.isAdaptive() && !options.only.empty())
        return badOption("driver " + std::string(core::kindOf(sweep.driver).name) +
                             " chooses trials by the results of others, so --only cannot leave some out",
                         "run all of them, or take driver grid, random or sobol");
    return core::success();
}

core::Result<PreparedSweep> prepareSweep(const core::Sweep& sweep, const core::WorkloadIdentity& identity,
                                         const SweepOptions& options, const std::vector<TrialRecord>& recorded)
{
    PSC_TRY(checkDriver(sweep, options));
    PreparedSweep prepared;
    PlanWriter writer(prepared, identity, options, recorded);
    PSC_ASSIGN(std::vector<core::PlannedTrial> trials, select(core::planTrials(sweep, identity), options));
    for (core::PlannedTrial& trial : trials)
        writer.add(std::move(trial));
    if (!sweep.isAdaptive())
        return prepared;
    prepared.search = std::make_unique<core::SweepSearch>(sweep, identity, options.arithmetic);
    for (core::PlannedTrial& trial : prepared.search->ask())
        prepared.batch.push_back(writer.add(std::move(trial)));
    static_cast<void>(extendSweep(prepared, identity, options, recorded)); // whether it is over shows in its plan
    return prepared;
}

bool extendSweep(PreparedSweep& prepared, const core::WorkloadIdentity& identity, const SweepOptions& options,
                 const std::vector<TrialRecord>& recorded)
{
    PlanWriter writer(prepared, identity, options, recorded);
    for (int trial = 0; trial < prepared.plan.total(); ++trial)
        writer.compare(trial);
    while (prepared.search) {
        const std::vector<int> open = prepared.open();
        const auto isOpen = [&](int trial) { return std::binary_search(open.begin(), open.end(), trial); };
        if (std::any_of(prepared.batch.begin(), prepared.batch.end(), isOpen))
            return true;
        const bool isSettled = std::all_of(prepared.batch.begin(), prepared.batch.end(),
                                           [&](int trial) { return writer.isSettled(trial); });
        if (!isSettled)
            return false;
        prepared.search->tell(writer.records());
        prepared.batch.clear();
        for (core::PlannedTrial& trial : prepared.search->ask())
            prepared.batch.push_back(writer.add(std::move(trial)));
        if (prepared.batch.empty())
            prepared.search.reset();
    }
    return false;
}

} // namespace paretoscope::jobs
