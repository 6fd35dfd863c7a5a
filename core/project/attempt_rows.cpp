// SPDX-License-Identifier: Apache-2.0
#include "core/project/attempt_rows.h"

#include "core/project/stored_json.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// The run that is under way, whatever number the caller knows it by; else one that began and ended at the same
/// moments.
constexpr std::string_view kFind =
    "SELECT id, number FROM attempt WHERE trial_id = ?1 AND (outcome IN ('queued', 'running') OR "
    "(started_utc = ?3 AND finished_utc = ?4 AND (number = ?2 OR finished_utc <> ''))) "
    "ORDER BY outcome IN ('queued', 'running') DESC, number DESC LIMIT 1";
constexpr std::string_view kNextNumber = "SELECT coalesce(max(number) + 1, 0) FROM attempt WHERE trial_id = ?";
constexpr std::string_view kInsert = "INSERT INTO attempt (trial_id, number, outcome) VALUES (?, ?, ?) RETURNING id";
constexpr std::string_view kUpdate =
    "UPDATE attempt SET outcome = ?2, started_utc = ?3, finished_utc = ?4, seconds = ?5, error_code = ?6, "
    "error_message = ?7, error_hint = ?8, provenance = ?9 WHERE id = ?1";
constexpr std::string_view kInterrupt = "UPDATE attempt SET outcome = 'interrupted' WHERE outcome = 'running'";

bool tellsOfARun(const TrialRecord& trial)
{
    return trial.status != TrialStatus::Queued || !trial.startedUtc.empty() || !trial.finishedUtc.empty() ||
           trial.seconds != 0 || trial.error || !trial.provenance.is_null();
}

Result<std::optional<AttemptRow>> findAttempt(Database& database, std::int64_t trialRow, const TrialRecord& trial)
{
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    PSC_ASSIGN(const bool found, find.with(trialRow, trial.attempts, trial.startedUtc, trial.finishedUtc).step());
    if (!found)
        return std::optional<AttemptRow>();
    return std::optional(AttemptRow {find.integer(0), static_cast<int>(find.integer(1))});
}

Result<AttemptRow> insertAttempt(Database& database, std::int64_t trialRow, const TrialRecord& trial)
{
    PSC_ASSIGN(Statement next, database.prepare(kNextNumber));
    PSC_ASSIGN(const std::int64_t number, next.with(trialRow).integer());
    AttemptRow row {.id = 0, .number = std::max(trial.attempts, static_cast<int>(number))};
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    PSC_ASSIGN(row.id, insert.with(trialRow, row.number, trialStatusName(trial.status)).integer());
    return row;
}

Status updateAttempt(Database& database, std::int64_t id, const TrialRecord& trial)
{
    const bool failed = trial.error.has_value();
    PSC_ASSIGN(Statement update, database.prepare(kUpdate));
    return update
        .with(id, trialStatusName(trial.status), trial.startedUtc, trial.finishedUtc, trial.seconds,
              failed ? std::optional(std::string(errorCodeName(trial.error->code))) : std::nullopt,
              failed ? std::optional(trial.error->message) : std::nullopt,
              failed ? std::optional(trial.error->hint) : std::nullopt, storedJson(trial.provenance))
        .run();
}

} // namespace

Result<std::optional<AttemptRow>> recordAttempt(Database& database, std::int64_t trialRow, const TrialRecord& trial)
{
    if (!tellsOfARun(trial))
        return std::optional<AttemptRow>();
    PSC_ASSIGN(std::optional<AttemptRow> row, findAttempt(database, trialRow, trial));
    if (!row) {
        PSC_ASSIGN(row, insertAttempt(database, trialRow, trial));
    }
    PSC_TRY(updateAttempt(database, row->id, trial));
    return row;
}

Status interruptRunningAttempts(Database& database)
{
    PSC_ASSIGN(Statement interrupt, database.prepare(kInterrupt));
    return interrupt.run();
}

} // namespace paretoscope::core
