// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/table_shape.h"

#include <functional>
#include <variant>

namespace paretoscope::core {

using Blob = std::vector<std::uint8_t>;
/// A stored value: NULL, INTEGER, REAL, TEXT or BLOB.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Row = std::vector<Value>; ///< one value per TableShape::columns

/// Reads the rows of a table that may be damaged: forwards as far as it goes, then around what is unreadable.
/// Columns that the file does not have are NULL.
/// @return how many places could not be read
std::int64_t readAround(Database& database, const TableShape& table, const std::function<void(Row)>& take);

void bindValue(Statement& statement, int index, const Value& value);

} // namespace paretoscope::core
