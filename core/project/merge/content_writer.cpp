// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/content_writer.h"

#include "core/base/assert.h"

#include <algorithm>
#include <tuple>

namespace paretoscope::core {

namespace {

using Numbers = std::unordered_map<ContentKey, std::int64_t, ContentKeyHash>;

/// Below every position that a file holds: where rows wait while a group is numbered anew.
constexpr std::int64_t kWaiting = -1'000'000'000;

class TableWriter
{
public:
    TableWriter(const ProjectContent& content, Database& database)
        : m_content(content)
        , m_database(database)
    {}

    Result<std::int64_t> write()
    {
        for (const MergedTable& table : mergedTables())
            PSC_TRY(writeTable(table));
        return m_written;
    }

private:
    struct Placed
    {
        const ContentRow* row;
        ContentKey key;
    };

    Status writeTable(const MergedTable& table)
    {
        Numbers& numbers = m_numbers[std::string(table.name)];
        std::vector<Placed> added;
        std::vector<Placed> changed;
        for (const auto& [key, row] : m_content.rows(table.name)) {
            if (!row.number)
                added.push_back({&row, key});
            else if (row.changed)
                changed.push_back({&row, key});
            if (row.number)
                numbers.emplace(key, *row.number);
        }
        sort(table, added);
        for (std::size_t i = 0; i < added.size(); ++i) {
            PSC_ASSIGN(const std::int64_t number, insert(table, *added[i].row, kWaiting - std::int64_t(i)));
            numbers.emplace(added[i].key, number);
        }
        for (const Placed& placed : changed)
            PSC_TRY(update(table, *placed.row));
        m_written += std::int64_t(added.size() + changed.size());
        return table.position.empty() || added.empty() ? success() : renumber(table, added);
    }

    static std::string listed(const MergedTable& table, const auto& spell, std::string_view separator,
                              const auto& isWanted)
    {
        std::string list;
        for (const MergedColumn& column : table.columns) {
            if (column.derived.empty() && isWanted(column))
                list += (list.empty() ? "" : std::string(separator)) + spell(column);
        }
        return list;
    }

    static bool isKey(const MergedColumn& column) { return column.rule == MergeRule::Key; }

    Result<std::int64_t> insert(const MergedTable& table, const ContentRow& row, std::int64_t waiting)
    {
        const auto all = [](const MergedColumn&) { return true; };
        const std::string position = table.position.empty() ? "" : ", " + std::string(table.position);
        PSC_ASSIGN(Statement insert,
                   m_database.prepare("INSERT INTO " + std::string(table.name) + " (" +
                                      listed(
                                          table, [](const MergedColumn& c) { return std::string(c.name); }, ", ", all) +
                                      position + ") VALUES (" +
                                      listed(
                                          table, [](const MergedColumn&) { return std::string("?"); }, ", ", all) +
                                      (table.position.empty() ? "" : ", ?") + ")" +
                                      (table.hasRowId ? " RETURNING id" : "")));
        int parameter = bind(insert, table, row, 1, all);
        if (!table.position.empty())
            insert.bind(parameter, waiting);
        if (table.hasRowId)
            return insert.integer();
        PSC_TRY(insert.run());
        return std::int64_t(0);
    }

    Status update(const MergedTable& table, const ContentRow& row)
    {
        const auto isOther = [](const MergedColumn& column) { return !isKey(column); };
        const auto assigned = [](const MergedColumn& column) { return std::string(column.name) + " = ?"; };
        PSC_ASSIGN(Statement update,
                   m_database.prepare("UPDATE " + std::string(table.name) + " SET " +
                                      listed(table, assigned, ", ", isOther) + " WHERE " + identified(table)));
        const int parameter = bind(update, table, row, 1, isOther);
        bindIdentity(update, table, row, parameter);
        return update.run();
    }

    static std::string identified(const MergedTable& table)
    {
        return table.hasRowId
                   ? "id = ?"
                   : listed(
                         table, [](const MergedColumn& c) { return std::string(c.name) + " IS ?"; }, " AND ", isKey);
    }

    void bindIdentity(Statement& statement, const MergedTable& table, const ContentRow& row, int parameter)
    {
        if (table.hasRowId)
            statement.bind(parameter, *row.number);
        else
            bind(statement, table, row, parameter, isKey);
    }

    /// @return the parameter after the last one
    int bind(Statement& statement, const MergedTable& table, const ContentRow& row, int parameter, const auto& isWanted)
    {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const MergedColumn& column = table.columns[i];
            if (!column.derived.empty() || !isWanted(column))
                continue;
            std::visit([&](const auto& value) { bindValue(statement, parameter, column, value); }, row.values[i]);
            ++parameter;
        }
        return parameter;
    }

    void bindValue(Statement& statement, int parameter, const MergedColumn&, std::monostate)
    {
        statement.bind(parameter, nullptr);
    }
    void bindValue(Statement& statement, int parameter, const MergedColumn& column, const ContentKey& key)
    {
        const Numbers& numbers = m_numbers[std::string(column.references)];
        const auto number = numbers.find(key);
        PSC_ASSERT(number != numbers.end(), "parents are united and written before their children");
        statement.bind(parameter, number->second);
    }
    template <typename Value>
    void bindValue(Statement& statement, int parameter, const MergedColumn&, const Value& value)
    {
        statement.bind(parameter, value);
    }

    /// What orders the rows of a group; references are followed.
    std::vector<ContentValue> orderOf(const MergedTable& table, const ContentRow& row) const
    {
        if (table.order.empty()) // those of before as they were, then new ones as they stood where they come from
            return {std::int64_t(row.number ? 0 : 1), row.position};
        std::vector<ContentValue> order;
        for (const std::string_view name : table.order) {
            const ContentValue& value = cell(table, row, name);
            const auto* key = std::get_if<ContentKey>(&value);
            if (!key) {
                order.push_back(value);
                continue;
            }
            const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                             [&](const MergedColumn& candidate) { return candidate.name == name; });
            const MergedTable& parent = mergedTable(column->references);
            const auto inner = orderOf(parent, m_content.rows(parent.name).find(*key)->second);
            order.insert(order.end(), inner.begin(), inner.end());
        }
        return order;
    }

    void sort(const MergedTable& table, std::vector<Placed>& rows) const
    {
        std::sort(rows.begin(), rows.end(), [&](const Placed& a, const Placed& b) {
            const auto first = orderOf(table, *a.row);
            const auto second = orderOf(table, *b.row);
            if (first != second)
                return first < second;
            return std::tie(a.row->recorded, a.key) < std::tie(b.row->recorded, b.key);
        });
    }

    static std::vector<ContentValue> groupOf(const MergedTable& table, const ContentRow& row)
    {
        return {row.values.begin(), row.values.begin() + std::ptrdiff_t(table.groupColumns)};
    }

    Status renumber(const MergedTable& table, const std::vector<Placed>& added)
    {
        std::map<std::vector<ContentValue>, std::vector<Placed>> groups;
        for (const Placed& placed : added)
            groups[groupOf(table, *placed.row)];
        for (const auto& [key, row] : m_content.rows(table.name)) {
            if (const auto group = groups.find(groupOf(table, row)); group != groups.end())
                group->second.push_back({&row, key});
        }
        // Through a place where nobody is: positions are unique at every moment.
        for (auto& [group, rows] : groups) {
            sort(table, rows);
            for (std::size_t i = 0; i < rows.size(); ++i)
                PSC_TRY(place(table, rows[i], 2 * kWaiting - std::int64_t(i)));
            for (std::size_t i = 0; i < rows.size(); ++i)
                PSC_TRY(place(table, rows[i], table.firstPosition + std::int64_t(i)));
        }
        return success();
    }

    Status place(const MergedTable& table, const Placed& placed, std::int64_t position)
    {
        PSC_ASSIGN(Statement update,
                   m_database.prepare("UPDATE " + std::string(table.name) + " SET " + std::string(table.position) +
                                      " = ? WHERE " + identified(table)));
        update.bind(1, position);
        if (table.hasRowId)
            update.bind(2, m_numbers[std::string(table.name)].at(placed.key));
        else
            bind(update, table, *placed.row, 2, isKey);
        return update.run();
    }

    const ProjectContent& m_content;
    Database& m_database;
    std::map<std::string, Numbers> m_numbers;
    std::int64_t m_written = 0;
};

constexpr std::string_view kCountAttempts =
    "UPDATE trial SET attempts = (SELECT max(number) FROM attempt WHERE trial_id = trial.id) "
    "WHERE attempts < (SELECT coalesce(max(number), 0) FROM attempt WHERE trial_id = trial.id)";

} // namespace

Result<std::int64_t> writeContent(const ProjectContent& content, Database& database)
{
    PSC_ASSIGN(const std::int64_t written, TableWriter(content, database).write());
    if (written > 0)
        PSC_TRY(database.execute(kCountAttempts));
    return written;
}

} // namespace paretoscope::core
