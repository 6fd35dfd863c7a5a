// SPDX-License-Identifier: Apache-2.0
#include "core/project/layer_rows.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kFindQuantity = "SELECT id FROM layer_quantity WHERE module = ? AND layer = ? AND name = ?";
constexpr std::string_view kInsertQuantity =
    "INSERT INTO layer_quantity (module, layer, name) VALUES (?, ?, ?) RETURNING id";
constexpr std::string_view kUpsert = "INSERT INTO layer_metric (trial_id, quantity_id, value) VALUES (?, ?, ?) "
                                     "ON CONFLICT (trial_id, quantity_id) DO UPDATE SET value = excluded.value";
constexpr std::string_view kOfTrial =
    "SELECT q.module, q.layer, q.name, v.value FROM layer_metric v JOIN layer_quantity q ON q.id = v.quantity_id "
    "WHERE v.trial_id = ? ORDER BY v.quantity_id";

Result<std::int64_t> quantityOf(Database& database, const LayerMetricRecord& metric)
{
    PSC_ASSIGN(Statement find, database.prepare(kFindQuantity));
    PSC_ASSIGN(const std::optional<std::int64_t> known,
               find.with(metric.module, metric.layer, metric.name).optionalInteger());
    if (known)
        return *known;
    PSC_ASSIGN(Statement insert, database.prepare(kInsertQuantity));
    return insert.with(metric.module, metric.layer, metric.name).integer();
}

} // namespace

Status recordLayerMetrics(Database& database, std::int64_t trialRow, const std::vector<LayerMetricRecord>& metrics)
{
    PSC_ASSIGN(Statement upsert, database.prepare(kUpsert));
    for (const LayerMetricRecord& metric : metrics) {
        PSC_ASSIGN(const std::int64_t quantity, quantityOf(database, metric));
        PSC_TRY(upsert.with(trialRow, quantity, metric.value).run());
    }
    return success();
}

Result<std::vector<LayerMetricRecord>> readLayerMetrics(Database& database, std::int64_t trialRow)
{
    std::vector<LayerMetricRecord> metrics;
    PSC_ASSIGN(Statement query, database.prepare(kOfTrial));
    query.with(trialRow);
    PSC_TRY(query.forEachRow([&metrics](const Statement& row) {
        metrics.push_back({.module = row.text(0),
                           .layer = static_cast<int>(row.integer(1)),
                           .name = row.text(2),
                           .value = row.optionalReal(3)});
        return success();
    }));
    return metrics;
}

} // namespace paretoscope::core
