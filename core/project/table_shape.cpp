// SPDX-License-Identifier: Apache-2.0
#include "core/project/table_shape.h"

#include <algorithm>
#include <set>

namespace paretoscope::core {

namespace {

constexpr std::size_t kNameBytes = 40;

constexpr std::string_view kTables =
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
constexpr std::string_view kColumns =
    "SELECT name, pk > 0, \"notnull\" = 0 AND pk = 0, type FROM pragma_table_info(?) ORDER BY pk = 0, pk, cid";
constexpr std::string_view kParents =
    "SELECT f.\"from\", f.\"table\", c.\"notnull\" FROM pragma_foreign_key_list(?1) f "
    "JOIN pragma_table_info(?1) c ON c.name = f.\"from\"";

Status describe(Database& database, TableShape& table)
{
    PSC_ASSIGN(Statement columns, database.prepare(kColumns));
    PSC_TRY(columns.with(table.name).forEachRow([&table](const Statement& row) {
        table.columns.push_back(row.text(0));
        table.keys += row.integer(1) != 0 ? 1 : 0;
        table.nullable.push_back(row.integer(2) != 0);
        table.types.push_back(row.text(3));
        return success();
    }));
    PSC_ASSIGN(Statement parents, database.prepare(kParents));
    return parents.with(table.name).forEachRow([&table](const Statement& row) {
        const auto column = std::find(table.columns.begin(), table.columns.end(), row.text(0));
        table.parents.push_back(
            {static_cast<std::size_t>(column - table.columns.begin()), row.text(1), row.integer(2) == 0});
        return success();
    });
}

/// Parents first. The schema has no circles.
std::vector<TableShape> inOrder(std::vector<TableShape> tables)
{
    std::vector<TableShape> ordered;
    std::set<std::string> placed;
    while (!tables.empty()) {
        const auto next = std::find_if(tables.begin(), tables.end(), [&placed](const TableShape& table) {
            return std::all_of(table.parents.begin(), table.parents.end(), [&](const ParentReference& parent) {
                return parent.table == table.name || placed.contains(parent.table);
            });
        });
        const auto chosen = next != tables.end() ? next : tables.begin();
        placed.insert(chosen->name);
        ordered.push_back(std::move(*chosen));
        tables.erase(chosen);
    }
    return ordered;
}

Result<std::vector<TableShape>> shapesOf(std::span<const Migration> steps)
{
    PSC_ASSIGN(Database database, Database::open("expected schema", Database::Access::Memory));
    PSC_TRY(migrate(database, steps));
    std::vector<TableShape> tables;
    {
        PSC_ASSIGN(Statement query, database.prepare(kTables));
        PSC_TRY(query.forEachRow([&tables](const Statement& row) {
            tables.push_back({.name = row.text(0),
                              .columns = {},
                              .types = {},
                              .nullable = {},
                              .hasRowId = row.integer(1) == 0,
                              .parents = {}});
            return success();
        }));
    }
    for (TableShape& table : tables)
        PSC_TRY(describe(database, table));
    return inOrder(std::move(tables));
}

} // namespace

std::string TableShape::columnList() const
{
    std::string list;
    for (const std::string& column : columns)
        list += (list.empty() ? "" : ", ") + column;
    return list;
}

Result<std::vector<TableShape>> tableShapes(std::span<const Migration> steps)
{
    static const Result<std::vector<TableShape>> ours = shapesOf(migrations());
    return areOurs(steps) && ours.ok() ? ours : shapesOf(steps);
}

std::string rowName(const TableShape& table, const Statement& row)
{
    if (table.keys == 1)
        return table.name + " " + row.text(0).substr(0, kNameBytes);
    std::string keys;
    for (std::size_t i = 0; i < table.keys; ++i)
        keys += (i == 0 ? "" : ", ") + table.columns[i] + " " + row.text(static_cast<int>(i)).substr(0, kNameBytes);
    return table.name + " (" + keys + ")";
}

} // namespace paretoscope::core
