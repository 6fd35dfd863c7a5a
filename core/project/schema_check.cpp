// SPDX-License-Identifier: Apache-2.0
#include "core/project/schema_check.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kSchemaQuery = "SELECT type, name, tbl_name, sql FROM sqlite_schema";

/// Tables SQLite keeps for itself (statistics of ANALYZE).
bool isInternal(std::string_view name)
{
    return name == "sqlite_stat1" || name == "sqlite_stat4";
}

Result<Schema> schemaOf(std::span<const Migration> steps)
{
    PSC_ASSIGN(Database database, Database::open("expected schema", Database::Access::Memory));
    PSC_TRY(migrate(database, steps));
    return readSchema(database);
}

} // namespace

Result<Schema> readSchema(Database& database)
{
    Schema schema;
    PSC_ASSIGN(Statement query, database.prepare(kSchemaQuery));
    PSC_TRY(query.forEachRow([&schema](const Statement& row) {
        schema[row.text(1)] = {row.text(0), row.text(2), row.text(3)};
        return success();
    }));
    return schema;
}

Result<Schema> expectedSchema(std::span<const Migration> steps)
{
    static const Result<Schema> ours = schemaOf(migrations());
    return areOurs(steps) && ours.ok() ? ours : schemaOf(steps);
}

std::vector<SchemaDifference> schemaDifferences(const Schema& found, const Schema& expected)
{
    std::vector<SchemaDifference> differences;
    for (const auto& [name, object] : found) {
        const auto known = expected.find(name);
        if (isInternal(name) || (known != expected.end() && known->second == object))
            continue;
        differences.push_back(
            {known != expected.end() ? SchemaDifference::Kind::Changed : SchemaDifference::Kind::Foreign, object.type,
             name});
    }
    for (const auto& [name, object] : expected) {
        if (!found.contains(name))
            differences.push_back({SchemaDifference::Kind::Missing, object.type, name});
    }
    return differences;
}

} // namespace paretoscope::core
