// SPDX-License-Identifier: Apache-2.0
#include "core/table/exact_table.h"

#include "core/project/roofline_point.h"
#include "core/query/trial_fields.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace paretoscope::core {

namespace {

using Cell = ExactTable::Cell;

std::string textOf(const Cell& cell)
{
    if (const auto* text = std::get_if<std::string>(&cell))
        return *text;
    const auto* number = std::get_if<double>(&cell);
    return number ? canonicalJson(*number) : std::string();
}

Cell cellOf(std::optional<double> number)
{
    return number && std::isfinite(*number) ? Cell(*number) : Cell();
}

Cell cellOf(const std::string& text)
{
    return text.empty() ? Cell() : Cell(text);
}

/// The columns that are no field of filters.
constexpr std::string_view kStages = "pipeline_json";
constexpr std::string_view kPlugin = "plugin";

Cell cellOf(const TrialRecord& trial, const std::string& column)
{
    if (column == kStages)
        return trial.pipeline.is_null() ? Cell() : Cell(canonicalJson(trial.pipeline));
    std::vector<FieldValue> values = fieldValues(trial, column);
    if (column == kPlugin) { // alias and id of each stage: the id says more
        std::vector<FieldValue> ids;
        for (std::size_t i = 1; i < values.size(); i += 2)
            ids.push_back(values[i]);
        values = std::move(ids);
    }
    if (values.size() == 1)
        return std::visit([](const auto& value) { return Cell(value); }, values.front());
    std::string joined;
    for (const FieldValue& value : values)
        joined += (joined.empty() ? "" : "; ") + std::visit([](const auto& v) { return textOf(Cell(v)); }, value);
    return cellOf(joined);
}

std::string unitOf(const std::string& column, const std::map<std::string, std::string>& metricUnits)
{
    if (column == "seconds")
        return "s";
    constexpr std::string_view kError = ".standard_error";
    std::string name = column.ends_with(kError) ? column.substr(0, column.size() - kError.size()) : column;
    const auto found = metricUnits.find(name.substr(0, name.find('@')));
    return found == metricUnits.end() ? std::string() : found->second;
}

std::map<std::string, std::string> metricUnitsOf(std::span<const TrialRecord> trials)
{
    std::map<std::string, std::string> units;
    for (const TrialRecord& trial : trials) {
        for (const MetricRecord& metric : trial.metrics)
            units.emplace(metric.name, metric.unit);
    }
    return units;
}

/// Names of the metrics with their protocol where there are several.
std::vector<std::string> metricColumns(std::span<const TrialRecord> trials)
{
    struct Seen
    {
        std::set<std::string> protocols;
        bool hasError = false;
    };
    std::map<std::string, Seen> seen;
    for (const TrialRecord& trial : trials) {
        for (const MetricRecord& metric : trial.metrics) {
            seen[metric.name].protocols.insert(metric.protocol);
            seen[metric.name].hasError |= metric.standardError.has_value();
        }
    }
    std::vector<std::string> columns;
    for (const auto& [name, metric] : seen) {
        for (const std::string& protocol : metric.protocols) {
            const std::string column = metric.protocols.size() > 1 ? name + "@" + protocol : name;
            columns.push_back(column);
            if (metric.hasError)
                columns.push_back(column + ".standard_error");
            if (metric.protocols.size() == 1 && !protocol.empty())
                columns.push_back(column + ".protocol");
        }
    }
    return columns;
}

std::vector<std::string> parameterColumns(std::span<const TrialRecord> trials)
{
    std::set<std::string> names;
    for (const TrialRecord& trial : trials) {
        if (!trial.pipeline.is_array())
            continue;
        for (const Json& stage : trial.pipeline) {
            const auto parameters = stage.is_object() ? stage.find("parameters") : stage.end();
            if (!stage.is_object() || parameters == stage.end() || !parameters->is_object())
                continue;
            for (const auto& item : parameters->items())
                names.insert(item.key());
        }
    }
    return {names.begin(), names.end()};
}

bool any(std::span<const TrialRecord> trials, std::string_view field)
{
    return std::any_of(trials.begin(), trials.end(),
                       [&](const TrialRecord& trial) { return !fieldValues(trial, field).empty(); });
}

} // namespace

ExactTable exactTable(std::span<const TrialRecord> trials, const std::vector<std::string>& columns)
{
    ExactTable table;
    const auto units = metricUnitsOf(trials);
    for (const std::string& column : columns)
        table.columns.push_back({column, unitOf(column, units)});
    for (const TrialRecord& trial : trials) {
        std::vector<Cell>& row = table.rows.emplace_back();
        for (const std::string& column : columns)
            row.push_back(cellOf(trial, column));
    }
    return table;
}

std::vector<std::string> usualExactColumns(std::span<const TrialRecord> trials)
{
    std::vector<std::string> columns {"id", "workload"};
    for (const char* field : {"family", "sweep"}) {
        if (any(trials, field))
            columns.emplace_back(field);
    }
    columns.insert(columns.end(), {"pipeline", std::string(kPlugin)});
    for (const auto& part : {parameterColumns(trials), {"seed", "status"}, metricColumns(trials)})
        columns.insert(columns.end(), part.begin(), part.end());
    if (any(trials, "tag"))
        columns.emplace_back("tag");
    columns.insert(columns.end(), {"seconds", "started", "finished", "attempts", std::string(kStages)});
    return columns;
}

ExactTable metricTable(std::span<const TrialRecord> trials)
{
    ExactTable table;
    for (const char* name : {"id", "workload", "pipeline", "seed", "metric", "value", "standard_error", "n", "unit",
                             "direction", "protocol", "device", "dtype", "threads", "build", "pipeline_json"})
        table.columns.push_back({name, {}});
    for (const TrialRecord& trial : trials) {
        for (const MetricRecord& metric : trial.metrics)
            table.rows.push_back({trial.id.hex(), cellOf(trial.workload), cellOf(trial.label), cellOf(trial, "seed"),
                                  metric.name, cellOf(metric.value), cellOf(metric.standardError),
                                  static_cast<double>(metric.n), cellOf(metric.unit),
                                  std::string(metric.minimise ? "minimise" : "maximise"), cellOf(metric.protocol),
                                  cellOf(metric.device), cellOf(metric.dtype), static_cast<double>(metric.threads),
                                  cellOf(metric.build), canonicalJson(trial.pipeline)});
    }
    return table;
}

ExactTable layerTable(std::span<const TrialRecord> trials)
{
    ExactTable table;
    for (const char* name : {"id", "pipeline", "module", "layer", "metric", "value"})
        table.columns.push_back({name, {}});
    for (const TrialRecord& trial : trials) {
        for (const LayerMetricRecord& metric : trial.layerMetrics)
            table.rows.push_back({trial.id.hex(), cellOf(trial.label), metric.module,
                                  metric.layer < 0 ? Cell() : Cell(static_cast<double>(metric.layer)), metric.name,
                                  cellOf(metric.value)});
    }
    return table;
}

ExactTable predictionTable(std::span<const RooflinePoint> points, std::span<const TrialRecord> trials)
{
    ExactTable table {{{"id", {}},
                       {"pipeline", {}},
                       {"hardware", {}},
                       {"mode", {}},
                       {"phase", {}},
                       {"operation", {}},
                       {"operations", {}},
                       {"memory_bytes", "B"},
                       {"operations_per_second", "1/s"},
                       {"bound", {}},
                       {"seconds", "s"},
                       {"settings", {}}},
                      {}};
    std::map<TrialId, std::string> labels;
    for (const TrialRecord& trial : trials)
        labels.emplace(trial.id, trial.label);
    for (const RooflinePoint& point : points) {
        const auto label = point.trial ? labels.find(*point.trial) : labels.end();
        if (label == labels.end() || point.measured)
            continue;
        table.rows.push_back({point.trial->hex(), cellOf(label->second), point.hardware, point.mode, point.phase,
                              point.operation, point.operations, point.memoryBytes, cellOf(point.operationsPerSecond),
                              cellOf(point.bound), cellOf(point.seconds), canonicalJson(point.settings)});
    }
    return table;
}

TextRows textRows(const ExactTable& table)
{
    TextRows rows;
    std::vector<std::string>& header = rows.emplace_back();
    for (const ExactTable::Column& column : table.columns)
        header.push_back(column.unit.empty() ? column.name : column.name + " [" + column.unit + "]");
    for (const std::vector<Cell>& cells : table.rows) {
        std::vector<std::string>& row = rows.emplace_back();
        for (const Cell& cell : cells)
            row.push_back(textOf(cell));
    }
    return rows;
}

Json toJson(const ExactTable& table)
{
    Json columns = Json::array();
    for (const ExactTable::Column& column : table.columns)
        columns.push_back({{"name", column.name}, {"unit", column.unit}});
    Json rows = Json::array();
    for (const std::vector<Cell>& cells : table.rows) {
        Json row = Json::array();
        for (const Cell& cell : cells) {
            if (const auto* number = std::get_if<double>(&cell))
                row.push_back(*number);
            else if (const auto* text = std::get_if<std::string>(&cell))
                row.push_back(*text);
            else
                row.push_back(nullptr);
        }
        rows.push_back(std::move(row));
    }
    return {{"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

} // namespace paretoscope::core
