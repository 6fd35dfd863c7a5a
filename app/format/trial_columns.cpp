// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/trial_columns.h"

#include "app/format/number.h"
#include "core/query/trial_fields.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace paretoscope::app {

namespace {

constexpr std::size_t kShortestId = 8;

/// The metric that a column names, when all its values in this trial are of one protocol.
const core::MetricRecord* metricOf(const core::TrialRecord& trial, const std::string& column)
{
    const std::size_t at = column.find('@');
    const std::string name = column.substr(0, at);
    const std::string protocol = at == std::string::npos ? std::string() : column.substr(at + 1);
    const core::MetricRecord* found = nullptr;
    for (const core::MetricRecord& metric : trial.metrics) {
        if (metric.name == name && metric.protocol.find(protocol) != std::string::npos) {
            if (found)
                return nullptr;
            found = &metric;
        }
    }
    return found;
}

std::string metricText(const core::MetricRecord& metric)
{
    if (metric.unit == "B" && metric.value && std::isfinite(*metric.value))
        return decimalBytes(std::llround(*metric.value));
    if (metric.unit == "s" && metric.value) // predictions are of single tokens
        return metric.name.starts_with("predicted_") ? significant(*metric.value * 1e3) + " ms" : duration(*metric.value);
    return withError(metric.value, metric.standardError);
}

std::string valueText(const core::FieldValue& value)
{
    if (const auto* text = std::get_if<std::string>(&value))
        return *text;
    const double number = std::get<double>(value);
    const bool whole = std::trunc(number) == number && std::fabs(number) < 0x1p53;
    return whole ? std::to_string(static_cast<long long>(number)) : significant(number);
}

bool differIn(std::span<const core::TrialRecord> trials, std::string core::TrialRecord::*field)
{
    return std::any_of(trials.begin(), trials.end(),
                       [&](const core::TrialRecord& trial) { return trial.*field != trials.front().*field; });
}

bool isNumeric(const std::string& column)
{
    static const std::set<std::string> kTexts {"id",     "pipeline", "workload", "sweep",    "status",
                                               "plugin", "tag",      "started",  "finished", "*"};
    return kTexts.count(column) == 0;
}

} // namespace

std::string titleOf(const std::string& column)
{
    static const std::map<std::string, std::string> kShorter {
        {"seconds", "time"}, {"stored_bytes", "stored"}, {"bits_per_parameter", "bits/param"}};
    const auto found = kShorter.find(column);
    return found == kShorter.end() ? column : found->second;
}

std::size_t distinctIdLength(std::span<const core::TrialRecord> trials)
{
    std::vector<std::string> ids;
    for (const core::TrialRecord& trial : trials)
        ids.push_back(trial.id.hex());
    std::sort(ids.begin(), ids.end());
    std::size_t length = kShortestId;
    for (std::size_t i = 1; i < ids.size(); ++i) {
        const auto [a, b] = std::mismatch(ids[i].begin(), ids[i].end(), ids[i - 1].begin());
        length = std::max(length, std::min(ids[i].size(), static_cast<std::size_t>(a - ids[i].begin()) + 1));
    }
    return length;
}

std::vector<std::string> usualColumns(std::span<const core::TrialRecord> trials)
{
    std::vector<std::string> columns {"id"};
    if (differIn(trials, &core::TrialRecord::workload))
        columns.emplace_back("workload");
    if (differIn(trials, &core::TrialRecord::sweep))
        columns.emplace_back("sweep");
    columns.insert(columns.end(), {"pipeline", "status"});
    std::set<std::string> measured;
    std::set<std::pair<std::string, std::string>> protocols;
    for (const core::TrialRecord& trial : trials) {
        for (const core::MetricRecord& metric : trial.metrics) {
            measured.insert(metric.name);
            if (!metric.protocol.empty())
                protocols.emplace(metric.name, metric.protocol);
        }
    }
    for (const auto& [name, protocol] : protocols) {
        const auto same =
            std::count_if(protocols.begin(), protocols.end(), [&](const auto& p) { return p.first == name; });
        columns.push_back(same > 1 ? name + "@" + protocol : name);
    }
    for (const char* name : {"stored_bytes", "bits_per_parameter"}) {
        if (measured.count(name) > 0)
            columns.emplace_back(name);
    }
    columns.emplace_back("seconds");
    return columns;
}

std::string cellText(const core::TrialRecord& trial, const std::string& column, std::size_t idLength)
{
    if (column == "id")
        return trial.id.hex().substr(0, idLength);
    if (column == "seconds")
        return trial.seconds > 0 ? duration(trial.seconds) : "-";
    if (column == "plugin") {
        std::string names; // without the full ids that filters also know
        const auto values = core::fieldValues(trial, column);
        for (std::size_t i = 0; i < values.size(); i += 2)
            names += (names.empty() ? "" : " + ") + valueText(values[i]);
        return names.empty() ? "-" : names;
    }
    if (const core::MetricRecord* metric = metricOf(trial, column))
        return metricText(*metric);
    std::string text;
    for (const core::FieldValue& value : core::fieldValues(trial, column))
        text += (text.empty() ? "" : ", ") + valueText(value);
    return text.empty() ? "-" : text;
}

TextTable trialTable(std::span<const core::TrialRecord> trials, const std::vector<std::string>& columns,
                     const std::set<core::TrialId>& marked)
{
    std::vector<TextTable::Column> heads;
    if (!marked.empty())
        heads.push_back({"", false, false});
    for (const std::string& column : columns)
        heads.push_back({titleOf(column), isNumeric(column), column == "pipeline",
                         column == "bits_per_parameter" || column == "seconds"});
    TextTable table(heads);
    const std::size_t idLength = distinctIdLength(trials);
    for (const core::TrialRecord& trial : trials) {
        const bool onFront = marked.count(trial.id) > 0;
        std::vector<std::string> cells;
        if (!marked.empty())
            cells.emplace_back(onFront ? "*" : "");
        for (const std::string& column : columns)
            cells.push_back(cellText(trial, column, idLength));
        table.addRow(std::move(cells), onFront                                     ? Emphasis::Good
                                       : trial.status == core::TrialStatus::Failed ? Emphasis::Bad
                                                                                   : Emphasis::None);
    }
    return table;
}

} // namespace paretoscope::app
