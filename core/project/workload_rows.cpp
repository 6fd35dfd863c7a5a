// SPDX-License-Identifier: Apache-2.0
#include "core/project/workload_rows.h"

#include "core/project/stored_json.h"
#include "core/project/timestamp.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kUpsertModel =
    "INSERT INTO model (name, path, sha256, tokenizer_sha256, parameters, stored_bytes) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (name, sha256, tokenizer_sha256) DO UPDATE SET path = excluded.path, "
    "parameters = excluded.parameters, stored_bytes = excluded.stored_bytes RETURNING id";
/// The row of the same workload, or one that so far has nothing but its name.
constexpr std::string_view kFindWorkload = "SELECT id FROM workload WHERE name = ?1 AND "
                                           "((kind = ?2 AND model_id = ?3) OR (kind = '' AND model_id IS NULL)) "
                                           "ORDER BY id DESC LIMIT 1";
constexpr std::string_view kInsertWorkload =
    "INSERT INTO workload (name, kind, model_id, description, recorded_utc) VALUES (?, ?, ?, ?, ?)";
constexpr std::string_view kUpdateWorkload =
    "UPDATE workload SET kind = ?2, model_id = ?3, description = ?4 WHERE id = ?1";
constexpr std::string_view kNewestOfName = "SELECT id FROM workload WHERE name = ? ORDER BY id DESC LIMIT 1";
constexpr std::string_view kInsertName = "INSERT INTO workload (name, recorded_utc) VALUES (?, ?) RETURNING id";
constexpr std::string_view kAll =
    "SELECT w.name, w.kind, m.path, m.sha256, m.tokenizer_sha256, m.parameters, m.stored_bytes, w.description "
    "FROM workload w LEFT JOIN model m ON m.id = w.model_id ORDER BY w.id";

} // namespace

Status upsertWorkload(Database& database, const WorkloadRecord& workload)
{
    PSC_ASSIGN(Statement upsertModel, database.prepare(kUpsertModel));
    PSC_ASSIGN(const std::int64_t model, upsertModel
                                             .with(workload.name, workload.modelPath, workload.modelSha256,
                                                   workload.tokenizerSha256, workload.parameters, workload.storedBytes)
                                             .integer());
    PSC_ASSIGN(Statement find, database.prepare(kFindWorkload));
    PSC_ASSIGN(const std::optional<std::int64_t> known,
               find.with(workload.name, workload.kind, model).optionalInteger());
    const std::optional<std::string> description = storedJson(workload.description);
    if (known) {
        PSC_ASSIGN(Statement update, database.prepare(kUpdateWorkload));
        return update.with(*known, workload.kind, model, description).run();
    }
    PSC_ASSIGN(Statement insert, database.prepare(kInsertWorkload));
    return insert.with(workload.name, workload.kind, model, description, utcTimestamp()).run();
}

Result<std::optional<std::int64_t>> workloadIdOf(Database& database, const std::string& name)
{
    if (name.empty())
        return std::optional<std::int64_t>();
    PSC_ASSIGN(Statement find, database.prepare(kNewestOfName));
    PSC_ASSIGN(const std::optional<std::int64_t> known, find.with(name).optionalInteger());
    if (known)
        return known;
    PSC_ASSIGN(Statement insert, database.prepare(kInsertName));
    return insert.with(name, utcTimestamp()).optionalInteger();
}

Result<std::vector<WorkloadRecord>> readWorkloads(Database& database)
{
    std::vector<WorkloadRecord> workloads;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&workloads](const Statement& row) {
        workloads.push_back({.name = row.text(0),
                             .kind = row.text(1),
                             .modelPath = row.text(2),
                             .modelSha256 = row.text(3),
                             .tokenizerSha256 = row.text(4),
                             .parameters = row.integer(5),
                             .storedBytes = row.integer(6),
                             .description = jsonFromStored(row.rawText(7))});
        return success();
    }));
    return workloads;
}

} // namespace paretoscope::core
