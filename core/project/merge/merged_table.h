// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace paretoscope::core {

/// What becomes of a column when two projects hold the row. NULL and '' come after every value; of two texts the longer
/// one is the larger.
enum class MergeRule
{
    Key,        ///< part of what identifies the row
    Smallest,   ///< the smaller value
    Largest,    ///< the larger value
    Whole,      ///< taken from the row that is larger in all its columns of this rule, from left to right
    OfTrial,    ///< status of a trial: done before failed before interrupted before running before queued
    OfArtifact, ///< state of an artifact: embedded before kept before dropped
    Deleted,    ///< NULL, which is "not deleted", before any time, and of two times the later one
};

struct MergedColumn
{
    std::string_view name;
    MergeRule rule = MergeRule::Key;
    std::string_view references = {}; ///< the table it points to
    std::string_view derived = {};    ///< SQL that gives it from the row's columns; it is not stored
};

/// How the rows of one table are united. A column that only numbers the rows of a group is no MergedColumn: it is made
/// anew when the group grows.
struct MergedTable
{
    std::string_view name;
    std::span<const MergedColumn> columns; ///< the group's first
    bool hasRowId = true;                  ///< its rows have the column `id`, which other tables refer to

    std::string_view position = {}; ///< numbers the rows of a group
    int firstPosition = 0;
    std::size_t groupColumns = 0;
    /// Columns that order a group; a reference stands for the order of the row it points to. Without any the rows of
    /// before keep their order and new ones follow.
    std::span<const std::string_view> order = {};
};

/// Every table but `project`, which is about the file, and `artifact_chunk`; parents before children.
std::span<const MergedTable> mergedTables();

} // namespace paretoscope::core
