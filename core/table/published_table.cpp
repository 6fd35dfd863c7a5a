// SPDX-License-Identifier: Apache-2.0
#include "core/table/published_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>
#include <system_error>

namespace paretoscope::core {

namespace {

using Texts = std::vector<std::string>;

struct TextColumn
{
    std::string_view name;
    std::string PublishedPoint::*member;
    bool isNeeded = false;
};
constexpr std::array kTextColumns {
    TextColumn {"method", &PublishedPoint::method, true},
    TextColumn {"metric", &PublishedPoint::metric, true},
    TextColumn {"source", &PublishedPoint::source, true},
    TextColumn {"model", &PublishedPoint::model},
    TextColumn {"data_set", &PublishedPoint::dataSet},
    TextColumn {"dataset_model", &PublishedPoint::dataSet},
    TextColumn {"unit", &PublishedPoint::unit},
    TextColumn {"x_metric", &PublishedPoint::xMetric},
    TextColumn {"url", &PublishedPoint::url},
    TextColumn {"confidence", &PublishedPoint::confidence},
};
constexpr std::string_view kValue = "value";
constexpr std::string_view kXValue = "x_value";

std::optional<double> numberIn(const std::string& cell)
{
    double number = 0;
    const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    const bool isNumber = problem == std::errc() && end == cell.data() + cell.size() && std::isfinite(number);
    return isNumber ? std::optional(number) : std::nullopt;
}

class TableReader
{
public:
    TableReader(const TextRows& rows, const std::string& what)
        : m_rows(rows)
        , m_what(what)
    {}

    Result<PublishedTable> read()
    {
        if (m_rows.empty())
            return Error {ErrorCode::InvalidArgument, m_what + " holds no table", "its first line names the columns"};
        PSC_TRY(checkHeader());
        PublishedTable table;
        std::string source;
        for (std::size_t row = 1; row < m_rows.size(); ++row) {
            PSC_ASSIGN(PublishedPoint point, pointOf(row));
            if (point.source == "same")
                point.source = source;
            source = point.source;
            const std::string& value = *cell(row, kValue);
            const std::optional<double> number = numberIn(value);
            if (!number) {
                table.withoutNumber.push_back("row " + std::to_string(row) + ": " + (value.empty() ? "empty" : value));
                continue;
            }
            point.value = *number;
            table.points.push_back(std::move(point));
        }
        return table;
    }

private:
    const Texts& header() const { return m_rows.front(); }

    Status checkHeader() const
    {
        for (const std::string& name : header()) {
            if (std::count(header().begin(), header().end(), name) > 1)
                return Error {ErrorCode::InvalidArgument, m_what + " has the column \"" + name + "\" twice",
                              "leave one of them out"};
        }
        const auto require = [this](std::string_view name) -> Status {
            if (std::find(header().begin(), header().end(), name) != header().end())
                return success();
            return Error {ErrorCode::InvalidArgument, m_what + " has no column \"" + std::string(name) + "\"",
                          "a table of published points has the columns method, metric, value and source"};
        };
        PSC_TRY(require(kValue));
        for (const TextColumn& column : kTextColumns) {
            if (column.isNeeded)
                PSC_TRY(require(column.name));
        }
        return success();
    }

    /// Null when the table has no such column.
    const std::string* cell(std::size_t row, std::string_view column) const
    {
        const auto found = std::find(header().begin(), header().end(), column);
        return found == header().end() ? nullptr : &m_rows[row][static_cast<std::size_t>(found - header().begin())];
    }

    Result<PublishedPoint> pointOf(std::size_t row) const
    {
        PublishedPoint point;
        for (std::size_t i = 0; i < header().size(); ++i) {
            const std::string& name = header()[i];
            const std::string& text = m_rows[row][i];
            const auto known = std::find_if(kTextColumns.begin(), kTextColumns.end(),
                                            [&](const TextColumn& column) { return column.name == name; });
            if (known != kTextColumns.end()) {
                if (known->isNeeded && text.empty())
                    return broken(row, "has no " + name, "name it");
                if (!text.empty())
                    point.*(known->member) = text;
            } else if (name != kValue && name != kXValue && !text.empty()) {
                const std::optional<double> number = numberIn(text);
                point.conditions[name] = number ? Json(*number) : Json(text);
            }
        }
        if (const std::string* x = cell(row, kXValue); x && !x->empty()) {
            point.xValue = numberIn(*x);
            if (!point.xValue)
                return broken(row, "has the x_value \"" + *x + "\", which is no number", "write a number, or nothing");
        }
        if (point.xValue.has_value() == point.xMetric.empty())
            return broken(row, "has only one of x_metric and x_value", "give both, or none");
        return point;
    }

    Error broken(std::size_t row, const std::string& what, std::string hint) const
    {
        return {ErrorCode::Corrupt, m_what + ": row " + std::to_string(row) + " " + what, std::move(hint)};
    }

    const TextRows& m_rows;
    const std::string& m_what;
};

ExactTable::Cell cellOf(const std::optional<double>& number)
{
    return number ? ExactTable::Cell(*number) : ExactTable::Cell();
}

ExactTable::Cell cellOf(const Json& condition)
{
    if (condition.is_null())
        return {};
    if (condition.is_number())
        return condition.get<double>();
    return condition.is_string() ? condition.get<std::string>() : canonicalJson(condition);
}

/// All that any of the points has; a project from a stranger may name one like a column of ours.
std::set<std::string> conditionsOf(std::span<const PublishedPoint> points)
{
    std::set<std::string> names;
    for (const PublishedPoint& point : points) {
        if (!point.conditions.is_object())
            continue;
        for (const auto& [name, value] : point.conditions.items())
            names.insert(name);
    }
    for (const TextColumn& column : kTextColumns)
        names.erase(std::string(column.name));
    names.erase(std::string(kValue));
    names.erase(std::string(kXValue));
    return names;
}

} // namespace

Result<PublishedTable> readPublishedTable(const TextRows& rows, const std::string& what)
{
    return TableReader(rows, what).read();
}

ExactTable publishedTable(std::span<const PublishedPoint> points)
{
    const std::set<std::string> conditions = conditionsOf(points);
    ExactTable table;
    for (const char* name : {"method", "model", "data_set"})
        table.columns.push_back({name, {}});
    for (const std::string& name : conditions)
        table.columns.push_back({name, {}});
    for (const char* name : {"metric", "value", "unit", "x_metric", "x_value", "source", "url", "confidence"})
        table.columns.push_back({name, {}});
    for (const PublishedPoint& point : points) {
        std::vector<ExactTable::Cell> row {point.method, point.model, point.dataSet};
        for (const std::string& name : conditions)
            row.push_back(point.conditions.is_object() ? cellOf(point.conditions.value(name, Json()))
                                                       : ExactTable::Cell());
        row.insert(row.end(), {point.metric, point.value, point.unit, point.xMetric, cellOf(point.xValue), point.source,
                               point.url, point.confidence});
        table.rows.push_back(std::move(row));
    }
    return table;
}

} // namespace paretoscope::core
