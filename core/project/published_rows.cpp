// SPDX-License-Identifier: Apache-2.0
#include "core/project/published_rows.h"

#include "core/project/stored_json.h"
#include "core/project/timestamp.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kInsertIfNew =
    "INSERT INTO published_point (method, model, data_set, metric, value, unit, x_metric, x_value, conditions, source, "
    "url, confidence, recorded_utc) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 "
    "WHERE NOT EXISTS (SELECT 1 FROM published_point WHERE metric = ?4 AND model = ?2 AND method = ?1 AND "
    "data_set = ?3 AND value = ?5 AND unit = ?6 AND x_metric = ?7 AND x_value IS ?8 AND conditions = ?9 AND "
    "source = ?10 AND url = ?11 AND confidence = ?12)";
constexpr std::string_view kAll =
    "SELECT method, model, data_set, metric, value, unit, x_metric, x_value, conditions, source, url, confidence, "
    "recorded_utc FROM published_point ORDER BY id";

} // namespace

Result<int> addPublishedPoints(Database& database, std::span<const PublishedPoint> points)
{
    PSC_ASSIGN(Statement insert, database.prepare(kInsertIfNew));
    std::int64_t added = 0;
    for (const PublishedPoint& point : points) {
        insert.with(point.method, point.model, point.dataSet, point.metric, point.value, point.unit, point.xMetric,
                    point.xValue, canonicalJson(point.conditions), point.source, point.url, point.confidence,
                    point.recordedUtc.empty() ? utcTimestamp() : point.recordedUtc);
        PSC_TRY(insert.run());
        added += database.changes();
    }
    return static_cast<int>(added);
}

Result<std::vector<PublishedPoint>> readPublishedPoints(Database& database)
{
    std::vector<PublishedPoint> points;
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    PSC_TRY(query.forEachRow([&points](const Statement& row) {
        points.push_back({.method = row.text(0),
                          .model = row.text(1),
                          .dataSet = row.text(2),
                          .metric = row.text(3),
                          .value = row.real(4),
                          .unit = row.text(5),
                          .xMetric = row.text(6),
                          .xValue = row.optionalReal(7),
                          .conditions = jsonFromStored(row.rawText(8)),
                          .source = row.text(9),
                          .url = row.text(10),
                          .confidence = row.text(11),
                          .recordedUtc = row.text(12)});
        return success();
    }));
    return points;
}

} // namespace paretoscope::core
