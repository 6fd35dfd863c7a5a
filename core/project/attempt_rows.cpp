// SPDX-License-Identifier: Apache-2.0
#include "core/project/attempt_rows.h"

#include "core/project/stored_json.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

constexpr std::string_view kFind =
    "SELECT id, outcome, started_utc, finished_utc FROM attempt WHERE trial_id = ? AND number = ?";
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

struct KnownAttempt
{
    std::int64_t id = 0;
    bool sameRun = false;
};

Result<std::optional<KnownAttempt>> findAttempt(Database& database, std::int64_t trialRow, const TrialRecord& trial)
{
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    PSC_ASSIGN(const bool found, find.with(trialRow, trial.attempts).step());
    if (!found)
        return std::optional<KnownAttempt>();
    const std::string outcome = find.text(1);
    const bool open = outcome == "queued" || outcome == "running";
    const bool sameTimes = find.text(2) == trial.startedUtc && find.text(3) == trial.finishedUtc;
    return std::optional(KnownAttempt {find.integer(0), open || sameTimes});
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
    PSC_ASSIGN(const std::optional<KnownAttempt> known, findAttempt(database, trialRow, trial));
    AttemptRow row {.id = known ? known->id : 0, .number = trial.attempts};
    if (!known || !known->sameRun) {
        PSC_ASSIGN(Statement next, database.prepare(kNextNumber));
        PSC_ASSIGN(const std::int64_t number, next.with(trialRow).integer());
        row.number = std::max(trial.attempts, static_cast<int>(number));
        PSC_ASSIGN(Statement insert, database.prepare(kInsert));
        PSC_ASSIGN(row.id, insert.with(trialRow, row.number, trialStatusName(trial.status)).integer());
    }
    PSC_TRY(updateAttempt(database, row.id, trial));
    return std::optional(row);
}

Status interruptRunningAttempts(Database& database)
{
    PSC_ASSIGN(Statement interrupt, database.prepare(kInterrupt));
    return interrupt.run();
}

} // namespace paretoscope::core
