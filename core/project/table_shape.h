// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/migrations.h"

#include <span>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A reference to another table.
struct ParentReference
{
    std::size_t column; ///< index into TableShape::columns
    std::string table;  ///< whose `id` it is
    bool optional;      ///< NULL is allowed
};

/// What is known of a table without looking at any file.
struct TableShape
{
    std::string name;
    std::vector<std::string> columns; ///< those of the primary key first
    std::vector<std::string> types;   ///< likewise: INTEGER, REAL, TEXT or BLOB
    std::vector<bool> nullable;       ///< likewise: which of them may be NULL
    std::size_t keys = 0;             ///< how many columns the primary key has
    bool hasRowId = true;
    std::vector<ParentReference> parents;

    std::string columnList() const; ///< for SQL
};

/// The tables that `steps` make; a table stands behind those it refers to.
Result<std::vector<TableShape>> tableShapes(std::span<const Migration> steps);

/// How people find a row again: "trial 5", or "tag (trial_id 5, name best)". `row` gives the table's columns in order.
std::string rowName(const TableShape& table, const Statement& row);

} // namespace paretoscope::core
