// SPDX-License-Identifier: Apache-2.0
#include "core/project/row_reader.h"

#include <algorithm>
#include <limits>
#include <set>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
/// Seeks that may be spent on finding readable rows behind the damaged places of a table: a place is a page, and
/// halving finds its ends in some twenty seeks each.
constexpr std::int64_t kMaxSeeks = 20'000;
constexpr std::int64_t kSeeksPerPage = 40;

std::int64_t seeksFor(Database& database)
{
    const Result<std::int64_t> pages = database.integer("PRAGMA page_count");
    return pages.ok() ? std::clamp<std::int64_t>((pages.value() + 1) * kSeeksPerPage, 0, kMaxSeeks) : kMaxSeeks;
}

Value valueOf(const Statement& row, int column)
{
    switch (row.kind(column)) {
    case Statement::Kind::Integer:
        return row.integer(column);
    case Statement::Kind::Real:
        return row.real(column);
    case Statement::Kind::Text:
        return std::string(row.rawText(column));
    case Statement::Kind::Blob: {
        const std::span<const std::uint8_t> bytes = row.blob(column);
        return Blob(bytes.begin(), bytes.end());
    }
    case Statement::Kind::Null:
        break;
    }
    return {};
}

/// The columns of the table as the file has them; NULL stands for those that are missing.
std::string availableColumns(Database& database, const TableShape& table)
{
    std::set<std::string> present;
    if (Result<Statement> query = database.prepare("SELECT name FROM pragma_table_info(?)"); query.ok())
        (void)query.value().with(table.name).forEachRow([&present](const Statement& row) {
            present.insert(row.text(0));
            return success();
        });
    std::string list;
    for (const std::string& column : table.columns)
        list += (list.empty() ? "" : ", ") + (present.contains(column) ? column : "NULL");
    return list;
}

/// Reading one table by row ids.
class RowIdReader
{
public:
    RowIdReader(Database& database, const TableShape& table, const std::function<void(Row)>& take)
        : m_database(database)
        , m_select("SELECT rowid, " + availableColumns(database, table) + " FROM " + table.name +
                   " NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid")
        , m_columns(table.columns.size())
        , m_take(take)
        , m_mostSeeks(seeksFor(database))
    {}

    std::int64_t readAll()
    {
        const std::optional<std::int64_t> failedAfter = read(kFirst, kLast);
        if (!failedAfter)
            return 0;
        // The end of the table read backwards bounds what is in doubt; then halves are tried.
        const std::int64_t last = readBackwards(*failedAfter);
        if (*failedAfter < last)
            split(*failedAfter, last);
        return std::max<std::int64_t>(m_places, 1);
    }

private:
    /// Takes the rows of a range. Empty when all could be read; else the first row id that could not.
    std::optional<std::int64_t> read(std::int64_t first, std::int64_t last)
    {
        ++m_seeks;
        std::int64_t next = first;
        Result<Statement> query = m_database.prepare(m_select);
        if (!query.ok())
            return first;
        const Status status = query.value().with(first, last).forEachRow([&](const Statement& row) {
            next = row.integer(0) == kLast ? kLast : row.integer(0) + 1;
            takeRow(row);
            return success();
        });
        return status.ok() ? std::nullopt : std::optional(next);
    }

    /// Takes rows from the end down to the first unreadable one, at most to `first`.
    /// @return the row id below which nothing was read
    std::int64_t readBackwards(std::int64_t first)
    {
        std::int64_t lowest = kLast;
        Result<Statement> query = m_database.prepare(m_select + " DESC");
        if (!query.ok())
            return first;
        std::vector<Row> rows;
        (void)query.value().with(first, kLast).forEachRow([&](const Statement& row) {
            lowest = row.integer(0);
            rows.push_back(rowOf(row));
            return success();
        });
        if (rows.empty()) // no end to start from: row ids are small numbers in all of our tables
            return first > kFirst ? std::max<std::int64_t>(4 * std::max<std::int64_t>(first, 0), 1 << 20) : 1 << 20;
        std::for_each(rows.rbegin(), rows.rend(), [this](Row& row) { m_take(std::move(row)); });
        return lowest == kFirst ? kFirst : lowest - 1;
    }

    void split(std::int64_t first, std::int64_t last)
    {
        if (first < 0)
            first = 0;
        if (first > last || m_seeks > m_mostSeeks)
            return;
        if (first == last) {
            if (read(first, last))
                ++m_places;
            return;
        }
        const std::int64_t middle = first + (last - first) / 2;
        for (const auto& [from, to] : {std::pair(first, middle), std::pair(middle + 1, last)}) {
            const std::optional<std::int64_t> failedAfter = read(from, to);
            if (!failedAfter)
                continue;
            if (*failedAfter == from && from == to)
                ++m_places;
            else
                split(*failedAfter, to);
        }
    }

    Row rowOf(const Statement& row) const
    {
        Row values;
        for (std::size_t i = 0; i < m_columns; ++i)
            values.push_back(valueOf(row, static_cast<int>(i) + 1));
        return values;
    }
    void takeRow(const Statement& row) { m_take(rowOf(row)); }

    Database& m_database;
    std::string m_select;
    std::size_t m_columns;
    const std::function<void(Row)>& m_take;
    const std::int64_t m_mostSeeks;
    std::int64_t m_places = 0;
    std::int64_t m_seeks = 0;
};

} // namespace

std::int64_t readAround(Database& database, const TableShape& table, const std::function<void(Row)>& take)
{
    if (table.hasRowId)
        return RowIdReader(database, table, take).readAll();
    // Tables without row ids are small, or derived: what follows an unreadable page is found from the other end.
    const std::string select = "SELECT " + availableColumns(database, table) + " FROM " + table.name;
    std::string backwards;
    for (std::size_t i = 0; i < table.keys; ++i)
        backwards += (i == 0 ? " ORDER BY " : ", ") + table.columns[i] + " DESC";
    const auto readWith = [&](const std::string& sql) -> bool {
        Result<Statement> query = database.prepare(sql);
        return query.ok() && query.value()
                                 .forEachRow([&](const Statement& row) {
                                     Row values;
                                     for (std::size_t i = 0; i < table.columns.size(); ++i)
                                         values.push_back(valueOf(row, static_cast<int>(i)));
                                     take(std::move(values));
                                     return success();
                                 })
                                 .ok();
    };
    if (readWith(select))
        return 0;
    readWith(select + backwards);
    return 1;
}

void bindValue(Statement& statement, int index, const Value& value)
{
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        statement.bind(index, *integer);
    else if (const auto* real = std::get_if<double>(&value))
        statement.bind(index, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
        statement.bind(index, std::string_view(*text));
    else if (const auto* blob = std::get_if<Blob>(&value))
        statement.bind(index, std::span<const std::uint8_t>(*blob));
    else
        statement.bind(index, nullptr);
}

} // namespace paretoscope::core
