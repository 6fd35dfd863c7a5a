// SPDX-License-Identifier: Apache-2.0
#include "core/project/sweep_rows.h"

#include "core/project/sqlite_error.h"
#include "core/project/timestamp.h"
#include "core/project/trial_hash.h"

#include <map>

namespace paretoscope::core {

namespace {

constexpr std::string_view kFind =
    "SELECT id FROM sweep WHERE name = ?1 AND source IN (?2, '') ORDER BY source = ?2 DESC, id DESC LIMIT 1";
constexpr std::string_view kInsert = "INSERT INTO sweep (name, source, recorded_utc) VALUES (?, ?, ?) RETURNING id";
constexpr std::string_view kSetSource = "UPDATE sweep SET source = ?2 WHERE id = ?1";
constexpr std::string_view kNewestOfName = "SELECT id FROM sweep WHERE name = ? ORDER BY id DESC LIMIT 1";
constexpr std::string_view kAll = "SELECT id, name, source, recorded_utc FROM sweep ORDER BY id";
constexpr std::string_view kAddTrial =
    "INSERT INTO sweep_trial (sweep_id, position, trial_hash) "
    "SELECT ?1, coalesce(max(position) + 1, 0), ?2 FROM sweep_trial WHERE sweep_id = ?1 "
    "ON CONFLICT (sweep_id, trial_hash) DO NOTHING";
constexpr std::string_view kAllTrials = "SELECT sweep_id, trial_hash FROM sweep_trial ORDER BY sweep_id, position";

Result<std::int64_t> insertSweep(Database& database, const std::string& name, const std::string& source)
{
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    return insert.with(name, source, utcTimestamp()).integer();
}

Result<std::int64_t> sweepRow(Database& database, const SweepRecord& sweep)
{
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    PSC_ASSIGN(const std::optional<std::int64_t> known, find.with(sweep.name, sweep.source).optionalInteger());
    if (!known)
        return insertSweep(database, sweep.name, sweep.source);
    PSC_ASSIGN(Statement setSource, database.prepare(kSetSource));
    PSC_TRY(setSource.with(*known, sweep.source).run());
    return *known;
}

} // namespace

Status upsertSweep(Database& database, const SweepRecord& sweep)
{
    PSC_ASSIGN(const std::int64_t id, sweepRow(database, sweep));
    PSC_ASSIGN(Statement addTrial, database.prepare(kAddTrial));
    for (const TrialId& trial : sweep.trials)
        PSC_TRY(addTrial.with(id, trial.digest.bytes).run());
    return success();
}

Result<std::optional<std::int64_t>> sweepIdOf(Database& database, const std::string& name)
{
    if (name.empty())
        return std::optional<std::int64_t>();
    PSC_ASSIGN(Statement find, database.prepare(kNewestOfName));
    PSC_ASSIGN(const std::optional<std::int64_t> known, find.with(name).optionalInteger());
    if (known)
        return known;
    PSC_ASSIGN(const std::int64_t made, insertSweep(database, name, {}));
    return std::optional(made);
}

Result<std::vector<SweepRecord>> readSweeps(Database& database)
{
    std::vector<SweepRecord> sweeps;
    std::map<std::int64_t, std::size_t> indexOf;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&](const Statement& row) {
        indexOf[row.integer(0)] = sweeps.size();
        sweeps.push_back({.name = row.text(1), .source = row.text(2), .recordedUtc = row.text(3), .trials = {}});
        return success();
    }));
    PSC_ASSIGN(Statement trials, database.prepare(kAllTrials));
    PSC_TRY(trials.forEachRow([&](const Statement& row) -> Status {
        PSC_ASSIGN(const TrialId trial, trialHash(row, 1, database.name()));
        if (const auto sweep = indexOf.find(row.integer(0)); sweep != indexOf.end())
            sweeps[sweep->second].trials.push_back(trial);
        return success();
    }));
    return sweeps;
}

} // namespace paretoscope::core
