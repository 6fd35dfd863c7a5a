// SPDX-License-Identifier: Apache-2.0
#include "core/project/trial_rows.h"

#include "core/project/artifact/artifact_rows.h"
#include "core/project/attempt_rows.h"
#include "core/project/event_rows.h"
#include "core/project/layer_rows.h"
#include "core/project/metric_rows.h"
#include "core/project/pipeline_rows.h"
#include "core/project/stored_json.h"
#include "core/project/sweep_rows.h"
#include "core/project/tag_rows.h"
#include "core/project/timestamp.h"
#include "core/project/trial_hash.h"
#include "core/project/workload_rows.h"

#include <unordered_map>

namespace paretoscope::core {

namespace {

/// The sweep that asked first stays; a trial that is recorded again comes out of the bin.
constexpr std::string_view kUpsert =
    "INSERT INTO trial (hash, workload_id, sweep_id, pipeline_id, label, seed, status, attempts, recorded_utc) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET "
    "workload_id = coalesce(workload_id, excluded.workload_id), sweep_id = coalesce(sweep_id, excluded.sweep_id), "
    "pipeline_id = excluded.pipeline_id, label = excluded.label, seed = excluded.seed, status = excluded.status, "
    "attempts = max(attempts, excluded.attempts), deleted_utc = NULL RETURNING id";
constexpr std::string_view kSetAttempts = "UPDATE trial SET attempts = max(attempts, ?2) WHERE id = ?1";
constexpr std::string_view kSetStatus = "UPDATE trial SET status = ?2 WHERE hash = ?1";
constexpr std::string_view kCountRunning = "SELECT count(*) FROM trial WHERE status = 'running'";
constexpr std::string_view kInterrupt = "UPDATE trial SET status = 'interrupted' WHERE status = 'running'";

/// What a trial shows of its runs is the newest one.
const std::string kSelect =
    "SELECT t.id, t.hash, w.name, s.name, t.label, p.stages, t.seed, t.status, t.attempts, a.started_utc, "
    "a.finished_utc, a.seconds, a.provenance, a.error_code, a.error_message, a.error_hint FROM trial t "
    "JOIN pipeline p ON p.id = t.pipeline_id LEFT JOIN workload w ON w.id = t.workload_id "
    "LEFT JOIN sweep s ON s.id = t.sweep_id LEFT JOIN attempt a ON a.id = "
    "(SELECT id FROM attempt WHERE trial_id = t.id ORDER BY number DESC LIMIT 1) WHERE t.deleted_utc IS NULL ";
/// What a front needs: no pipelines, no runs.
constexpr std::string_view kLight =
    "SELECT t.id, t.hash, t.label, t.seed, t.status, w.name FROM trial t LEFT JOIN workload w ON w.id = t.workload_id "
    "WHERE t.deleted_utc IS NULL ORDER BY t.id";
const std::string kAll = kSelect + "ORDER BY t.id";
const std::string kOne = kSelect + "AND t.hash = ?";

Result<TrialRecord> trialFrom(const Statement& row, const std::filesystem::path& file)
{
    TrialRecord trial;
    PSC_ASSIGN(trial.id, trialHash(row, 1, file));
    trial.workload = row.text(2);
    trial.sweep = row.text(3);
    trial.label = row.text(4);
    trial.pipeline = jsonFromStored(row.rawText(5));
    trial.seed = static_cast<std::uint64_t>(row.integer(6));
    trial.attempts = static_cast<int>(row.integer(8));
    trial.startedUtc = row.text(9);
    trial.finishedUtc = row.text(10);
    trial.seconds = row.optionalReal(11).value_or(0);
    trial.provenance = jsonFromStored(row.rawText(12));
    if (!row.isNull(13))
        trial.error = Error {errorCodeFromName(row.text(13)), row.text(14), row.text(15)};
    const std::string status = row.text(7);
    trial.status = trialStatusFromName(status).value_or(TrialStatus::Failed);
    if (!trialStatusFromName(status)) // a damaged cell must not hide the other trials
        trial.error = Error {ErrorCode::Corrupt, "the status \"" + status + "\" is not one", "run the trial again"};
    return trial;
}

Error notThere(const Database& database, const TrialId& id)
{
    return {ErrorCode::NotFound, "trial " + id.hex().substr(0, 12) + " is not in " + database.name().string(),
            "`paretoscope list` shows the trials"};
}

Status reportContradiction(Database& database, const TrialRecord& trial, const std::string& metric)
{
    return insertEvent(database, {.timeUtc = {},
                                  .level = "warn",
                                  .kind = "measurement_conflict",
                                  .trial = trial.id.hex(),
                                  .text = metric + " of " + trial.label +
                                          " differs from what was measured before under the same conditions; both "
                                          "values are kept, the first one is shown"});
}

} // namespace

Result<TrialRows> upsertTrial(Database& database, const TrialRecord& trial)
{
    PSC_ASSIGN(const std::optional<std::int64_t> workload, workloadIdOf(database, trial.workload));
    PSC_ASSIGN(const std::optional<std::int64_t> sweep, sweepIdOf(database, trial.sweep));
    PSC_ASSIGN(const std::int64_t pipeline, pipelineIdOf(database, trial.pipeline));
    PSC_ASSIGN(Statement upsert, database.prepare(kUpsert));
    TrialRows rows;
    PSC_ASSIGN(rows.trial, upsert
                               .with(trial.id.digest.bytes, workload, sweep, pipeline, trial.label,
                                     static_cast<std::int64_t>(trial.seed), trialStatusName(trial.status),
                                     trial.attempts, utcTimestamp())
                               .integer());
    PSC_ASSIGN(const std::optional<AttemptRow> attempt, recordAttempt(database, rows.trial, trial));
    if (attempt) {
        rows.attempt = attempt->id;
        PSC_ASSIGN(Statement setAttempts, database.prepare(kSetAttempts));
        PSC_TRY(setAttempts.with(rows.trial, attempt->number).run());
    }
    PSC_TRY(addTags(database, rows.trial, trial.tags));
    return rows;
}

Status recordFinishedTrial(Database& database, const TrialRecord& trial, MetricKindIds* known)
{
    PSC_ASSIGN(const TrialRows rows, upsertTrial(database, trial));
    PSC_ASSIGN(const std::vector<std::string> contradicted,
               recordMeasurements(database, rows.trial, rows.attempt, trial.metrics, known));
    for (const std::string& metric : contradicted)
        PSC_TRY(reportContradiction(database, trial, metric));
    PSC_TRY(recordArtifacts(database, rows.trial, trial.artifacts));
    return recordLayerMetrics(database, rows.trial, trial.layerMetrics);
}

Status updateTrialStatus(Database& database, const TrialId& id, TrialStatus status)
{
    PSC_ASSIGN(Statement setStatus, database.prepare(kSetStatus));
    PSC_TRY(setStatus.with(id.digest.bytes, trialStatusName(status)).run());
    return database.changes() == 1 ? success() : Status(notThere(database, id));
}

Result<int> countRunningTrials(Database& database)
{
    PSC_ASSIGN(const std::int64_t count, database.integer(kCountRunning));
    return static_cast<int>(count);
}

Result<int> interruptTrials(Database& database)
{
    PSC_ASSIGN(Statement interrupt, database.prepare(kInterrupt));
    PSC_TRY(interrupt.run());
    const auto count = static_cast<int>(database.changes());
    PSC_TRY(interruptRunningAttempts(database));
    return count;
}

Result<std::vector<TrialRecord>> readTrials(Database& database)
{
    std::vector<TrialRecord> trials;
    std::unordered_map<std::int64_t, std::size_t> indexOf;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&](const Statement& row) -> Status {
        PSC_ASSIGN(TrialRecord trial, trialFrom(row, database.name()));
        indexOf[row.integer(0)] = trials.size();
        trials.push_back(std::move(trial));
        return success();
    }));
    PSC_TRY(readMeasurements(database, [&](std::int64_t row, MetricRecord metric) {
        if (const auto found = indexOf.find(row); found != indexOf.end())
            trials[found->second].metrics.push_back(std::move(metric));
    }));
    PSC_TRY(readTags(database, [&](std::int64_t row, std::string tag) {
        if (const auto found = indexOf.find(row); found != indexOf.end())
            trials[found->second].tags.push_back(std::move(tag));
    }));
    return trials;
}

Result<std::vector<TrialRecord>> readTrialsWithMetrics(Database& database, std::span<const std::string> names)
{
    std::vector<TrialRecord> trials;
    std::unordered_map<std::int64_t, std::size_t> indexOf;
    PSC_ASSIGN(Statement query, database.prepare(kLight));
    PSC_TRY(query.forEachRow([&](const Statement& row) -> Status {
        TrialRecord trial;
        PSC_ASSIGN(trial.id, trialHash(row, 1, database.name()));
        trial.label = row.text(2);
        trial.seed = static_cast<std::uint64_t>(row.integer(3));
        trial.status = trialStatusFromName(row.rawText(4)).value_or(TrialStatus::Failed);
        trial.workload = row.text(5);
        indexOf[row.integer(0)] = trials.size();
        trials.push_back(std::move(trial));
        return success();
    }));
    PSC_TRY(readMeasurementsNamed(database, names, [&](std::int64_t row, MetricRecord metric) {
        if (const auto found = indexOf.find(row); found != indexOf.end())
            trials[found->second].metrics.push_back(std::move(metric));
    }));
    return trials;
}

Result<TrialRecord> readTrial(Database& database, const TrialId& id)
{
    PSC_ASSIGN(Statement query, database.prepare(kOne));
    PSC_ASSIGN(const bool found, query.with(id.digest.bytes).step());
    if (!found)
        return notThere(database, id);
    const std::int64_t row = query.integer(0);
    PSC_ASSIGN(TrialRecord trial, trialFrom(query, database.name()));
    PSC_ASSIGN(trial.metrics, readMeasurementsOf(database, row));
    PSC_ASSIGN(trial.layerMetrics, readLayerMetrics(database, row));
    PSC_ASSIGN(trial.tags, readTagsOf(database, row));
    return trial;
}

} // namespace paretoscope::core
