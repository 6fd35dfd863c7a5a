// SPDX-License-Identifier: Apache-2.0
#include "core/project/metric_rows.h"

#include "core/project/stored_json.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace paretoscope::core {

namespace {

constexpr std::string_view kFindKind =
    "SELECT id FROM metric WHERE name = ? AND protocol = ? AND device = ? AND dtype = ? AND threads = ? AND "
    "build = ? AND unit = ? AND minimise = ?";
constexpr std::string_view kInsertKind =
    "INSERT INTO metric (name, protocol, device, dtype, threads, build, unit, minimise) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
constexpr std::string_view kAllKinds =
    "SELECT id, name, protocol, device, dtype, threads, build, unit, minimise FROM metric";
constexpr std::string_view kAny = "SELECT EXISTS (SELECT 1 FROM trial_metric WHERE trial_id = ?)";
constexpr std::string_view kFind = "SELECT id, value, attempt_id FROM trial_metric "
                                   "WHERE trial_id = ? AND metric_id = ? ORDER BY replicate";
constexpr std::string_view kInsert =
    "INSERT INTO trial_metric (trial_id, metric_id, replicate, attempt_id, value, standard_error, n, "
    "details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kConfirm = "UPDATE trial_metric SET confirmations = confirmations + 1 WHERE id = ?";
constexpr std::string_view kFirstOfEach =
    "SELECT metric_id, value, standard_error, n, details, confirmations, trial_id FROM trial_metric "
    "WHERE replicate = 0 ORDER BY id";
/// The index answers this alone.
constexpr std::string_view kOfKind = "SELECT trial_id, value FROM trial_metric WHERE metric_id = ? AND replicate = 0";
constexpr std::string_view kOfTrial =
    "SELECT metric_id, value, standard_error, n, details, confirmations FROM trial_metric WHERE trial_id = ? "
    "ORDER BY replicate, id";

constexpr double kAgreement = 1e-12;

/// All that tells one kind from another.
std::string keyOf(const MetricRecord& metric)
{
    std::string key;
    for (const std::string* part :
         {&metric.name, &metric.protocol, &metric.device, &metric.dtype, &metric.build, &metric.unit})
        (key += *part) += '\0';
    return key += std::to_string(metric.threads) + (metric.minimise ? "-" : "+");
}

Result<std::int64_t> kindOf(Database& database, const MetricRecord& metric)
{
    const auto bindTo = [&metric](Statement& statement) -> Statement& {
        return statement.with(metric.name, metric.protocol, metric.device, metric.dtype, metric.threads, metric.build,
                              metric.unit, metric.minimise);
    };
    PSC_ASSIGN(Statement find, database.prepare(kFindKind));
    PSC_ASSIGN(const std::optional<std::int64_t> known, bindTo(find).optionalInteger());
    if (known)
        return *known;
    PSC_ASSIGN(Statement insert, database.prepare(kInsertKind));
    return bindTo(insert).integer();
}

Result<std::int64_t> kindOf(Database& database, const MetricRecord& metric, MetricKindIds* known)
{
    if (!known)
        return kindOf(database, metric);
    std::int64_t& id = (*known)[keyOf(metric)];
    if (id == 0) {
        PSC_ASSIGN(id, kindOf(database, metric));
    }
    return id;
}

Result<bool> hasMeasurements(Database& database, std::int64_t trialRow)
{
    PSC_ASSIGN(Statement any, database.prepare(kAny));
    PSC_ASSIGN(const std::int64_t found, any.with(trialRow).integer());
    return found != 0;
}

/// The number under which a value is to be kept; nothing when it was there already, which then is confirmed unless the
/// same run told it twice.
Result<std::optional<int>> newReplicate(Database& database, std::int64_t trialRow,
                                        std::optional<std::int64_t> attemptRow, std::int64_t kind,
                                        std::optional<double> value)
{
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    find.with(trialRow, kind);
    for (int replicate = 0;; ++replicate) {
        PSC_ASSIGN(const bool row, find.step());
        if (!row)
            return std::optional(replicate);
        if (!measurementsAgree(find.optionalReal(1), value))
            continue;
        if (attemptRow && find.integer(2) != *attemptRow) {
            PSC_ASSIGN(Statement confirm, database.prepare(kConfirm));
            PSC_TRY(confirm.with(find.integer(0)).run());
        }
        return std::optional<int>();
    }
}

using Kinds = std::unordered_map<std::int64_t, MetricRecord>;

Result<Kinds> readKinds(Database& database)
{
    Kinds kinds;
    PSC_ASSIGN(Statement query, database.prepare(kAllKinds));
    PSC_TRY(query.forEachRow([&kinds](const Statement& row) {
        MetricRecord& kind = kinds[row.integer(0)];
        kind.name = row.text(1);
        kind.protocol = row.text(2);
        kind.device = row.text(3);
        kind.dtype = row.text(4);
        kind.threads = static_cast<int>(row.integer(5));
        kind.build = row.text(6);
        kind.unit = row.text(7);
        kind.minimise = row.integer(8) != 0;
        return success();
    }));
    return kinds;
}

MetricRecord measurement(const Statement& row, const Kinds& kinds)
{
    const auto kind = kinds.find(row.integer(0));
    MetricRecord metric = kind != kinds.end() ? kind->second : MetricRecord();
    metric.value = row.optionalReal(1);
    metric.standardError = row.optionalReal(2);
    metric.n = row.integer(3);
    metric.details = jsonFromStored(row.rawText(4));
    metric.confirmations = row.integer(5);
    return metric;
}

} // namespace

bool measurementsAgree(std::optional<double> a, std::optional<double> b)
{
    if (!a || !b)
        return a.has_value() == b.has_value();
    return std::fabs(*a - *b) <= kAgreement * std::max(std::fabs(*a), std::fabs(*b));
}

bool variesFromRunToRun(std::string_view metric, std::string_view unit)
{
    return unit == "s" || metric.starts_with("peak_");
}

Result<std::vector<std::string>> recordMeasurements(Database& database, std::int64_t trialRow,
                                                    std::optional<std::int64_t> attemptRow,
                                                    std::span<const MetricRecord> metrics, MetricKindIds* known)
{
    std::vector<std::string> contradicted;
    std::unordered_set<std::int64_t> fresh; // kinds that this call wrote for a trial that had none
    PSC_ASSIGN(const bool isMeasured, hasMeasurements(database, trialRow));
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    for (const MetricRecord& metric : metrics) {
        std::optional<double> value = metric.value;
        if (value && !std::isfinite(*value))
            value.reset();
        PSC_ASSIGN(const std::int64_t kind, kindOf(database, metric, known));
        std::optional<int> replicate = 0;
        if (isMeasured || !fresh.insert(kind).second) {
            PSC_ASSIGN(replicate, newReplicate(database, trialRow, attemptRow, kind, value));
        }
        if (!replicate)
            continue;
        PSC_TRY(insert
                    .with(trialRow, kind, *replicate, attemptRow, value, metric.standardError, metric.n,
                          storedJson(metric.details))
                    .run());
        if (*replicate > 0 && !variesFromRunToRun(metric.name, metric.unit))
            contradicted.push_back(metric.name);
    }
    return contradicted;
}

Status readMeasurements(Database& database, const std::function<void(std::int64_t, MetricRecord)>& take)
{
    PSC_ASSIGN(const Kinds kinds, readKinds(database));
    PSC_ASSIGN(Statement query, database.prepare(kFirstOfEach));
    return query.forEachRow([&](const Statement& row) {
        take(row.integer(6), measurement(row, kinds));
        return success();
    });
}

Result<std::vector<MetricRecord>> readMeasurementsOf(Database& database, std::int64_t trialRow)
{
    std::vector<MetricRecord> metrics;
    PSC_ASSIGN(const Kinds kinds, readKinds(database));
    PSC_ASSIGN(Statement query, database.prepare(kOfTrial));
    query.with(trialRow);
    std::vector<std::int64_t> kindsOfMetrics;
    PSC_TRY(query.forEachRow([&](const Statement& row) {
        MetricRecord metric = measurement(row, kinds);
        for (std::size_t i = 0; i < metrics.size(); ++i) {
            if (kindsOfMetrics[i] != row.integer(0) || !measurementsAgree(metrics[i].value, metric.value))
                continue;
            metrics[i].confirmations += 1 + metric.confirmations;
            return success();
        }
        kindsOfMetrics.push_back(row.integer(0));
        metrics.push_back(std::move(metric));
        return success();
    }));
    return metrics;
}

Status readMeasurementsNamed(Database& database, std::span<const std::string> names,
                             const std::function<void(std::int64_t, MetricRecord)>& take)
{
    PSC_ASSIGN(const Kinds kinds, readKinds(database));
    PSC_ASSIGN(Statement query, database.prepare(kOfKind));
    for (const auto& entry : kinds) {
        const MetricRecord& kind = entry.second; // clang 14 cannot capture a structured binding
        if (std::find(names.begin(), names.end(), kind.name) == names.end())
            continue;
        PSC_TRY(query.with(entry.first).forEachRow([&](const Statement& row) {
            MetricRecord metric = kind;
            metric.value = row.optionalReal(1);
            take(row.integer(0), std::move(metric));
            return success();
        }));
    }
    return success();
}

} // namespace paretoscope::core
