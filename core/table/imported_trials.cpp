// SPDX-License-Identifier: Apache-2.0
#include "core/table/imported_trials.h"

#include "core/evaluation/metric_kind.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

namespace paretoscope::core {

namespace {

/// Sizes need no protocol.
constexpr std::array<std::string_view, 3> kSizes {"stored_bytes", "bits_per_parameter", "peak_memory_bytes"};
constexpr std::array<std::string_view, 3> kAspects {".standard_error", ".protocol", ".n"};
constexpr std::string_view kOptunaParameter = "params_";

bool isSize(std::string_view name)
{
    return std::find(kSizes.begin(), kSizes.end(), name) != kSizes.end();
}

bool isOurMetric(std::string_view name)
{
    if (isSize(name))
        return true;
    const auto kinds = metricKinds();
    return std::any_of(kinds.begin(), kinds.end(), [&](const MetricKind& kind) {
        return std::find(kind.records.begin(), kind.records.end(), name) != kind.records.end();
    });
}

struct Column
{
    std::string name; ///< without unit and protocol
    std::string unit;
    std::string protocol;
    std::string aspect; ///< one of kAspects
    enum class Role
    {
        Field,
        Metric,
        Aspect,
        Parameter
    } role = Role::Parameter;
};

constexpr std::array<std::string_view, 17> kFields {
    "id",  "workload", "family",  "sweep",    "pipeline", "plugin",        "seed",   "status", "state",
    "tag", "seconds",  "started", "finished", "attempts", "pipeline_json", "number", ""};
/// More of them in a table with one measurement per row.
constexpr std::array<std::string_view, 10> kMeasurementFields {
    "metric", "value", "standard_error", "n", "unit", "direction", "protocol", "device", "dtype", "threads"};

template <std::size_t N>
bool isIn(const std::array<std::string_view, N>& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

class Importer
{
public:
    Importer(const TextRows& rows, const TableSource& source)
        : m_rows(rows)
        , m_source(source)
    {}

    Result<ImportedTrials> import()
    {
        readHeader();
        if (!m_long && m_result.metrics.empty())
            return Error {ErrorCode::InvalidArgument, m_source.name + ": no column is known as a metric",
                          "name the metrics with --metric"};
        for (std::size_t row = 1; row < m_rows.size(); ++row)
            PSC_TRY(readRow(row));
        return std::move(m_result);
    }

private:
    void readHeader()
    {
        const std::vector<std::string>& header = m_rows.front();
        m_long = has(header, "metric") && has(header, "value");
        for (const std::string& title : header)
            m_columns.push_back(parsed(title));
        for (Column& column : m_columns)
            decideRole(column);
        for (const Column& column : m_columns) {
            if (column.role == Column::Role::Metric)
                m_result.metrics.push_back(column.name);
            if (column.role == Column::Role::Parameter)
                m_result.parameters.push_back(column.name);
        }
    }

    static bool has(const std::vector<std::string>& header, std::string_view name)
    {
        return std::find(header.begin(), header.end(), name) != header.end();
    }

    static Column parsed(std::string title)
    {
        Column column;
        if (const std::size_t open = title.rfind(" ["); open != std::string::npos && title.back() == ']') {
            column.unit = title.substr(open + 2, title.size() - open - 3);
            title.resize(open);
        }
        for (const std::string_view aspect : kAspects) {
            if (title.ends_with(aspect)) {
                column.aspect = aspect;
                title.resize(title.size() - aspect.size());
            }
        }
        const std::size_t at = title.find('@');
        if (at != std::string::npos)
            column.protocol = title.substr(at + 1);
        column.name = title.substr(0, at);
        return column;
    }

    void decideRole(Column& column) const
    {
        const bool isField =
            isIn(kFields, column.name) || (m_long && (isIn(kMeasurementFields, column.name) || column.name == "build"));
        const bool described = std::any_of(m_columns.begin(), m_columns.end(), [&](const Column& other) {
            return !other.aspect.empty() && other.name == column.name && other.protocol == column.protocol;
        });
        if (isField && column.aspect.empty())
            column.role = Column::Role::Field;
        else if (!column.aspect.empty())
            column.role = Column::Role::Aspect;
        else if (!m_long && (described || !column.unit.empty() || !column.protocol.empty() ||
                             isOurMetric(column.name) || m_source.metrics.count(column.name) > 0))
            column.role = Column::Role::Metric;
        else if (column.name.starts_with(kOptunaParameter))
            column.name.erase(0, kOptunaParameter.size());
    }

    Status readRow(std::size_t row)
    {
        m_row = row;
        TrialRecord trial;
        PSC_TRY(readFields(trial));
        PSC_TRY(readPipeline(trial));
        if (m_long) {
            PSC_TRY(readMeasurement(trial));
        } else {
            PSC_TRY(readMetrics(trial));
        }
        PSC_TRY(identify(trial));
        const auto [known, isNew] = m_indexOf.emplace(trial.id, m_result.trials.size());
        if (isNew)
            m_result.trials.push_back(std::move(trial));
        else if (m_long)
            m_result.trials[known->second].metrics.push_back(std::move(trial.metrics.front()));
        else
            return Error {ErrorCode::InvalidArgument, place() + " is the same trial as an earlier row",
                          "give a column that tells them apart, such as seed or id"};
        return success();
    }

    Status readFields(TrialRecord& trial) const
    {
        trial.workload = text("workload");
        if (trial.workload.empty())
            trial.workload = m_source.workload;
        trial.sweep = text("sweep");
        trial.startedUtc = text("started");
        trial.finishedUtc = text("finished");
        PSC_TRY(readSeed(trial));
        PSC_ASSIGN(const auto seconds, number("seconds"));
        trial.seconds = seconds.value_or(0);
        PSC_ASSIGN(const auto attempts, number("attempts"));
        trial.attempts = static_cast<int>(attempts.value_or(1));
        const std::string tags = text("tag");
        for (std::size_t begin = 0; begin < tags.size();) {
            const std::size_t end = std::min(tags.find("; ", begin), tags.size());
            trial.tags.push_back(tags.substr(begin, end - begin));
            begin = end + 2;
        }
        return readStatus(trial);
    }

    Status readSeed(TrialRecord& trial) const
    {
        const std::string cell = text("seed");
        const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), trial.seed);
        const bool isSeed = problem == std::errc() && end == cell.data() + cell.size();
        return cell.empty() || isSeed ? success() : Status(wrongCell("seed", cell, "a number from 0 to 2^64 - 1"));
    }

    Status readStatus(TrialRecord& trial) const
    {
        // Optuna's words beside ours.
        static const std::map<std::string, TrialStatus> kForeign {{"", TrialStatus::Done},
                                                                  {"COMPLETE", TrialStatus::Done},
                                                                  {"FAIL", TrialStatus::Failed},
                                                                  {"PRUNED", TrialStatus::Interrupted},
                                                                  {"RUNNING", TrialStatus::Interrupted},
                                                                  {"WAITING", TrialStatus::Queued}};
        const std::string word = text("status").empty() ? text("state") : text("status");
        if (const auto own = trialStatusFromName(word)) {
            trial.status = *own == TrialStatus::Running ? TrialStatus::Interrupted : *own;
            return success();
        }
        const auto foreign = kForeign.find(word);
        if (foreign == kForeign.end())
            return wrongCell("status", word, "done, failed, interrupted or queued");
        trial.status = foreign->second;
        return success();
    }

    Status readPipeline(TrialRecord& trial) const
    {
        trial.label = text("pipeline");
        if (const std::string json = text("pipeline_json"); !json.empty()) {
            auto pipeline = parseJson(json, place() + ", column \"pipeline_json\"");
            if (!pipeline.ok())
                return pipeline.error();
            if (!pipeline.value().is_array())
                return wrongCell("pipeline_json", json, "a list of stages");
            trial.pipeline = std::move(pipeline).value();
        } else {
            trial.pipeline = pipelineFromParameters();
        }
        if (trial.label.empty())
            trial.label = labelOf(trial.pipeline);
        return success();
    }

    Json pipelineFromParameters() const
    {
        Json parameters = Json::object();
        for (std::size_t i = 0; i < m_columns.size(); ++i) {
            const std::string& cell = m_rows[m_row][i];
            if (m_columns[i].role == Column::Role::Parameter && !cell.empty())
                parameters[m_columns[i].name] = parameterValue(cell);
        }
        const std::string plugin = text("plugin");
        if (plugin.empty() && parameters.empty() && (text("pipeline").empty() || text("pipeline") == "baseline"))
            return Json::array();
        return Json::array({{{"plugin", plugin.empty() ? "imported" : plugin},
                             {"version", ""},
                             {"parameters", std::move(parameters)}}});
    }

    static Json parameterValue(const std::string& cell)
    {
        if (cell == "true" || cell == "True")
            return true;
        if (cell == "false" || cell == "False")
            return false;
        const auto value = parsedNumber(cell);
        return value ? Json(*value) : Json(cell);
    }

    static std::string labelOf(const Json& pipeline)
    {
        if (pipeline.empty())
            return "baseline";
        std::string label;
        for (const Json& stage : pipeline) {
            if (!stage.is_object())
                continue;
            const Json named = stage.value("plugin", Json());
            const std::string plugin = named.is_string() ? named.get<std::string>() : "imported";
            label += (label.empty() ? "" : " + ") + plugin.substr(plugin.rfind('/') + 1) + '(';
            const Json parameters = stage.value("parameters", Json::object());
            bool first = true;
            for (const auto& [name, value] : parameters.items()) {
                label += (first ? "" : ",") + name + '=' +
                         (value.is_string() ? value.get<std::string>() : canonicalJson(value));
                first = false;
            }
            label += ')';
        }
        return label;
    }

    Status readMetrics(TrialRecord& trial) const
    {
        for (std::size_t i = 0; i < m_columns.size(); ++i) {
            const Column& column = m_columns[i];
            const std::string& cell = m_rows[m_row][i];
            if (column.role != Column::Role::Metric || cell.empty())
                continue;
            MetricRecord metric = newMetric(column.name, column.unit, column.protocol);
            PSC_ASSIGN(metric.value, numberIn(i));
            for (std::size_t k = 0; k < m_columns.size(); ++k) {
                const Column& aspect = m_columns[k];
                if (aspect.role != Column::Role::Aspect || aspect.name != column.name ||
                    aspect.protocol != column.protocol || m_rows[m_row][k].empty())
                    continue;
                if (aspect.aspect == ".protocol") {
                    metric.protocol = m_rows[m_row][k];
                    continue;
                }
                PSC_ASSIGN(const auto value, numberIn(k));
                if (aspect.aspect == ".n")
                    metric.n = static_cast<std::int64_t>(value.value_or(0));
                else
                    metric.standardError = value;
            }
            trial.metrics.push_back(std::move(metric));
        }
        return success();
    }

    Status readMeasurement(TrialRecord& trial) const
    {
        const std::string name = text("metric");
        if (name.empty())
            return wrongCell("metric", name, "the name of a metric");
        MetricRecord metric = newMetric(name, text("unit"), text("protocol"));
        PSC_ASSIGN(metric.value, number("value"));
        PSC_ASSIGN(metric.standardError, number("standard_error"));
        PSC_ASSIGN(const auto n, number("n"));
        metric.n = static_cast<std::int64_t>(n.value_or(0));
        if (!text("direction").empty())
            metric.minimise = text("direction") != "maximise";
        metric.device = text("device");
        metric.dtype = text("dtype");
        PSC_ASSIGN(const auto threads, number("threads"));
        metric.threads = static_cast<int>(threads.value_or(0));
        metric.build = text("build");
        trial.metrics.push_back(std::move(metric));
        return success();
    }

    MetricRecord newMetric(const std::string& name, const std::string& unit, const std::string& protocol) const
    {
        MetricRecord metric;
        metric.name = name;
        metric.unit = unit;
        metric.protocol = protocol;
        if (protocol.empty() && !isSize(name))
            metric.protocol = "imported/" + m_source.name + "#" + m_source.digest.hex().substr(0, 8);
        metric.minimise = !isMaximised(name) && m_source.maximise.count(name) == 0;
        return metric;
    }

    Status identify(TrialRecord& trial) const
    {
        trial.provenance = {{"imported", {{"file", m_source.name}, {"sha256", m_source.digest.hex()}, {"row", m_row}}}};
        if (!text("family").empty())
            trial.provenance["family"] = text("family");
        if (const std::string hex = text("id"); !hex.empty()) {
            const auto id = TrialId::fromHex(hex);
            if (!id.ok())
                return wrongCell("id", hex, "64 hexadecimal digits");
            trial.id = id.value();
            return success();
        }
        const Json identity {{"imported_trial", trial.label},
                             {"pipeline", trial.pipeline},
                             {"workload", trial.workload},
                             {"seed", trial.seed},
                             {"number", text("number")}};
        trial.id = {sha256(canonicalJson(identity))};
        return success();
    }

    std::optional<std::size_t> columnOf(std::string_view name) const
    {
        for (std::size_t i = 0; i < m_columns.size(); ++i) {
            if (m_columns[i].role == Column::Role::Field && m_columns[i].name == name)
                return i;
        }
        return std::nullopt;
    }

    std::string text(std::string_view field) const
    {
        const auto column = columnOf(field);
        return column ? m_rows[m_row][*column] : std::string();
    }

    Result<std::optional<double>> number(std::string_view field) const
    {
        const auto column = columnOf(field);
        return column ? numberIn(*column) : std::optional<double>();
    }

    /// Nothing for an empty cell and what other programs write for it.
    Result<std::optional<double>> numberIn(std::size_t column) const
    {
        const std::string& cell = m_rows[m_row][column];
        if (cell.empty() || cell == "nan" || cell == "NaN" || cell == "NA" || cell == "-")
            return std::optional<double>();
        const auto value = parsedNumber(cell);
        if (!value)
            return wrongCell(m_rows.front()[column], cell, "a number");
        return value;
    }

    static std::optional<double> parsedNumber(const std::string& cell)
    {
        double value = 0;
        const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        const bool whole = problem == std::errc() && end == cell.data() + cell.size();
        return whole && std::abs(value) <= std::numeric_limits<double>::max() ? std::optional(value) : std::nullopt;
    }

    std::string place() const { return m_source.name + ": row " + std::to_string(m_row); }

    Error wrongCell(const std::string& column, const std::string& cell, const std::string& expected) const
    {
        return {ErrorCode::Corrupt, place() + ", column \"" + column + "\" holds \"" + cell + "\"",
                "it has to be " + expected};
    }

    const TextRows& m_rows;
    const TableSource& m_source;
    std::vector<Column> m_columns;
    bool m_long = false; ///< one measurement per row
    std::size_t m_row = 0;
    ImportedTrials m_result;
    std::map<TrialId, std::size_t> m_indexOf;
};

Error noTable(const std::string& what)
{
    return {ErrorCode::Corrupt, what + " holds no table",
            "expected is what export-table --format json writes, or a list of flat objects"};
}

std::string cellOf(const Json& value)
{
    if (value.is_null())
        return {};
    return value.is_string() ? value.get<std::string>() : canonicalJson(value);
}

Result<TextRows> rowsOfDocument(const Json& document, const std::string& what)
{
    TextRows rows;
    std::vector<std::string>& header = rows.emplace_back();
    for (const Json& column : document.at("columns")) {
        const std::string name = cellOf(column.value("name", Json()));
        const std::string unit = cellOf(column.value("unit", Json()));
        header.push_back(unit.empty() ? name : name + " [" + unit + "]");
    }
    for (const Json& cells : document.at("rows")) {
        if (!cells.is_array() || cells.size() != rows.front().size())
            return noTable(what + ": row " + std::to_string(rows.size()));
        std::vector<std::string> row;
        for (const Json& cell : cells)
            row.push_back(cellOf(cell));
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<TextRows> rowsOfObjects(const Json& list, const std::string& what)
{
    std::map<std::string, std::size_t> columns;
    for (const Json& object : list) {
        if (!object.is_object())
            return noTable(what);
        for (const auto& [key, value] : object.items())
            columns.emplace(key, 0);
    }
    TextRows rows(1);
    for (auto& [name, index] : columns) {
        index = rows.front().size();
        rows.front().push_back(name);
    }
    for (const Json& object : list) {
        std::vector<std::string> row(columns.size());
        for (const auto& [key, value] : object.items())
            row[columns[key]] = cellOf(value);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace

Result<ImportedTrials> importTrials(const TextRows& rows, const TableSource& source)
{
    if (rows.empty())
        return noTable(source.name);
    return Importer(rows, source).import();
}

Result<TextRows> rowsOfJson(const Json& document, const std::string& what)
{
    if (document.is_array() && !document.empty())
        return rowsOfObjects(document, what);
    const bool isTable = document.is_object() && document.contains("columns") && document["columns"].is_array() &&
                         document.contains("rows") && document["rows"].is_array();
    if (!isTable)
        return noTable(what);
    for (const Json& column : document["columns"]) {
        if (!column.is_object())
            return noTable(what);
    }
    return rowsOfDocument(document, what);
}

} // namespace paretoscope::core
