// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/merge/merged_table.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace paretoscope::core {

/// What identifies a row in every project: a digest of its key columns, in which other rows stand with their own keys.
/// Row numbers, which differ from file to file, never enter it.
using ContentKey = std::array<std::uint8_t, 16>;

struct ContentKeyHash
{
    std::size_t operator()(const ContentKey& key) const;
};

/// A cell. A reference to another row is its key.
using ContentValue =
    std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::uint8_t>, ContentKey>;

struct ContentRow
{
    std::vector<ContentValue> values;   ///< parallel to MergedTable::columns
    std::optional<std::int64_t> number; ///< its row number in the file it was read from
    std::int64_t recorded = 0;          ///< the row number where it comes from; new rows follow in that order
    std::int64_t position = 0;          ///< there, where the table numbers its groups
    bool changed = false;               ///< by `unite`
};

using ContentRows = std::unordered_map<ContentKey, ContentRow, ContentKeyHash>;

/// Everything a project says, free of row numbers. Uniting is idempotent, commutative and associative; equal contents
/// say the same.
class ProjectContent
{
public:
    /// All merged tables of `database`. Errors: Corrupt (a reference to a missing row), Io.
    static Result<ProjectContent> read(Database& database);

    /// Takes what `other` has; row numbers and positions stay those of this content.
    void unite(const ProjectContent& other);

    /// Whether `unite` added or changed anything since it was read.
    bool hasNews() const;

    ContentRows& rows(std::string_view table) { return m_tables[std::string(table)]; }
    const ContentRows& rows(std::string_view table) const;
    /// SHA-256 over all rows, in hexadecimal; positions, which follow from the rows, do not count.
    std::string digest() const;

private:
    std::map<std::string, ContentRows, std::less<>> m_tables;
};

/// The cell of a row. @param column one of the table's columns
const ContentValue& cell(const MergedTable& table, const ContentRow& row, std::string_view column);
const MergedTable& mergedTable(std::string_view name);

} // namespace paretoscope::core
