// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/migrations.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A table, index, trigger, view or virtual table.
struct SchemaObject
{
    std::string type;
    std::string table;
    std::string sql;
    bool operator==(const SchemaObject&) const = default;
};
using Schema = std::map<std::string, SchemaObject>; ///< by name

Result<Schema> readSchema(Database& database);
/// The schema that `steps` make.
Result<Schema> expectedSchema(std::span<const Migration> steps);

struct SchemaDifference
{
    enum class Kind
    {
        Foreign, ///< no project has it
        Changed,
        Missing
    };
    Kind kind;
    std::string type;
    std::string name;
};
/// What `found` has that it should not have, then what it lacks. What SQLite keeps for itself is no difference.
std::vector<SchemaDifference> schemaDifferences(const Schema& found, const Schema& expected);

} // namespace paretoscope::core
