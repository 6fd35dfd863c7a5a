// SPDX-License-Identifier: Apache-2.0
#include "core/project/artifact/artifact_rows.h"

#include "core/project/stored_json.h"
#include "core/project/timestamp.h"
#include "core/project/trial_hash.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kUpsert =
    "INSERT INTO artifact (sha256, kind, media_type, bytes, state, recorded_utc, description) "
    "VALUES (?, ?, ?, ?, 'kept', ?, ?) ON CONFLICT (sha256) DO UPDATE SET "
    "state = CASE state WHEN 'dropped' THEN 'kept' ELSE state END RETURNING id";
constexpr std::string_view kLink = "INSERT INTO trial_artifact (trial_id, role, artifact_id) VALUES (?, ?, ?) "
                                   "ON CONFLICT (trial_id, role) DO UPDATE SET artifact_id = excluded.artifact_id";
constexpr std::string_view kAll =
    "SELECT a.id, a.sha256, a.kind, a.media_type, a.bytes, a.state, a.recorded_utc, a.description, l.role, t.hash "
    "FROM artifact a LEFT JOIN trial_artifact l ON l.artifact_id = a.id LEFT JOIN trial t ON t.id = l.trial_id "
    "ORDER BY a.id, t.id";
constexpr std::string_view kFind = "SELECT id FROM artifact WHERE sha256 = ?";
constexpr std::string_view kSetState = "UPDATE artifact SET state = ?2 WHERE id = ?1";
constexpr std::string_view kDeleteUnused =
    "DELETE FROM artifact WHERE id NOT IN (SELECT artifact_id FROM trial_artifact)";

} // namespace

Status recordArtifacts(Database& database, std::int64_t trialRow, const std::vector<ArtifactRecord>& artifacts)
{
    for (const ArtifactRecord& artifact : artifacts) {
        PSC_ASSIGN(Statement upsert, database.prepare(kUpsert));
        PSC_ASSIGN(const std::int64_t row, upsert
                                               .with(artifact.sha256, artifact.kind, artifact.mediaType, artifact.bytes,
                                                     utcTimestamp(), storedJson(artifact.description))
                                               .integer());
        PSC_ASSIGN(Statement link, database.prepare(kLink));
        PSC_TRY(link.with(trialRow, artifact.role, row).run());
    }
    return success();
}

Result<std::vector<StoredArtifact>> readArtifacts(Database& database)
{
    std::vector<StoredArtifact> artifacts;
    std::int64_t last = -1;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&](const Statement& row) -> Status {
        if (row.integer(0) != last) {
            StoredArtifact& stored = artifacts.emplace_back();
            stored.artifact = {.role = row.text(8),
                               .kind = row.text(2),
                               .mediaType = row.text(3),
                               .sha256 = row.text(1),
                               .bytes = row.integer(4),
                               .description = jsonFromStored(row.rawText(7))};
            stored.state = artifactStateFromName(row.text(5)).value_or(ArtifactState::Dropped);
            stored.recordedUtc = row.text(6);
            last = row.integer(0);
        }
        if (!row.isNull(9)) {
            PSC_ASSIGN(const TrialId trial, trialHash(row, 9, database.name()));
            artifacts.back().trials.push_back(trial);
        }
        return success();
    }));
    return artifacts;
}

Result<std::optional<std::int64_t>> artifactRowOf(Database& database, std::string_view sha256)
{
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    return find.with(sha256).optionalInteger();
}

Status setArtifactState(Database& database, std::int64_t row, ArtifactState state)
{
    PSC_ASSIGN(Statement set, database.prepare(kSetState));
    return set.with(row, artifactStateName(state)).run();
}

Result<std::int64_t> deleteUnusedArtifacts(Database& database)
{
    PSC_ASSIGN(Statement remove, database.prepare(kDeleteUnused));
    PSC_TRY(remove.run());
    return database.changes();
}

} // namespace paretoscope::core
