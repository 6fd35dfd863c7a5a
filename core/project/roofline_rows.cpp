// SPDX-License-Identifier: Apache-2.0
#include "core/project/roofline_rows.h"

#include "core/project/stored_json.h"
#include "core/project/timestamp.h"
#include "core/project/trial_hash.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kTrial = "SELECT id FROM trial WHERE hash = ?";
constexpr std::string_view kSame =
    "SELECT id, settings FROM roofline_point WHERE trial_id = ? AND hardware = ? AND mode = ? AND phase = ? AND "
    "operation = ? AND measured = 0 ORDER BY id";
constexpr std::string_view kDelete = "DELETE FROM roofline_point WHERE id = ?";
constexpr std::string_view kInsert =
    "INSERT INTO roofline_point (trial_id, hardware, mode, phase, operation, settings, operations, memory_bytes, "
    "operations_per_second, bound, seconds, measured, recorded_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)";
constexpr std::string_view kAll =
    "SELECT t.hash, p.hardware, p.mode, p.phase, p.operation, p.settings, p.operations, p.memory_bytes, "
    "p.operations_per_second, p.bound, p.seconds, p.measured, p.recorded_utc FROM roofline_point p "
    "LEFT JOIN trial t ON t.id = p.trial_id ORDER BY p.id";

Json settingOf(const Json& settings, const char* name)
{
    return settings.is_object() ? settings.value(name, Json()) : Json();
}

/// @return whether the prediction is there already; rows made of other inputs are gone afterwards
Result<bool> clearPlace(Database& database, std::int64_t trial, const RooflinePoint& point)
{
    std::vector<std::int64_t> outdated;
    bool isThere = false;
    PSC_ASSIGN(Statement same, database.prepare(kSame));
    same.with(trial, point.hardware, point.mode, point.phase, point.operation);
    PSC_TRY(same.forEachRow([&](const Statement& row) {
        const Json settings = jsonFromStored(row.rawText(1));
        if (settingOf(settings, "load") != settingOf(point.settings, "load"))
            return success();
        if (settingOf(settings, "inputs_sha256") == settingOf(point.settings, "inputs_sha256"))
            isThere = true;
        else
            outdated.push_back(row.integer(0));
        return success();
    }));
    PSC_ASSIGN(Statement remove, database.prepare(kDelete));
    for (const std::int64_t id : outdated)
        PSC_TRY(remove.with(id).run());
    return isThere;
}

} // namespace

Result<int> recordPredictions(Database& database, std::span<const RooflinePoint> points)
{
    int recorded = 0;
    for (const RooflinePoint& point : points) {
        if (!point.trial)
            return Error {ErrorCode::InvalidArgument, "a prediction for " + point.hardware + " names no trial",
                          "say whose model it is"};
        PSC_ASSIGN(Statement find, database.prepare(kTrial));
        PSC_ASSIGN(const std::optional<std::int64_t> trial,
                   find.with(std::span<const std::uint8_t>(point.trial->digest.bytes)).optionalInteger());
        if (!trial)
            return Error {ErrorCode::NotFound, "the project has no trial " + point.trial->hex(), "predict it again"};
        PSC_ASSIGN(const bool isThere, clearPlace(database, *trial, point));
        if (isThere)
            continue;
        PSC_ASSIGN(Statement insert, database.prepare(kInsert));
        PSC_TRY(insert
                    .with(*trial, point.hardware, point.mode, point.phase, point.operation,
                          canonicalJson(point.settings), point.operations, point.memoryBytes, point.operationsPerSecond,
                          point.bound, point.seconds, point.recordedUtc.empty() ? utcTimestamp() : point.recordedUtc)
                    .run());
        ++recorded;
    }
    return recorded;
}

Result<std::vector<RooflinePoint>> readRooflinePoints(Database& database)
{
    std::vector<RooflinePoint> points;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&](const Statement& row) -> Status {
        RooflinePoint point;
        if (!row.isNull(0)) {
            PSC_ASSIGN(point.trial, trialHash(row, 0, database.name()));
        }
        point.hardware = row.text(1);
        point.mode = row.text(2);
        point.phase = row.text(3);
        point.operation = row.text(4);
        point.settings = jsonFromStored(row.rawText(5));
        point.operations = row.real(6);
        point.memoryBytes = row.real(7);
        point.operationsPerSecond = row.optionalReal(8);
        point.bound = row.text(9);
        point.seconds = row.optionalReal(10);
        point.measured = row.integer(11) != 0;
        point.recordedUtc = row.text(12);
        points.push_back(std::move(point));
        return success();
    }));
    return points;
}

} // namespace paretoscope::core
