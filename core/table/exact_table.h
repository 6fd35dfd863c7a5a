// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/table/table_text.h"

#include <span>
#include <string>
#include <variant>
#include <vector>

namespace paretoscope::core {

struct RooflinePoint;

/// A table for other programs: nothing rounded, base units.
struct ExactTable
{
    struct Column
    {
        std::string name;
        std::string unit; ///< "B", "s", "" for a plain number or text
    };
    using Cell = std::variant<std::monostate, double, std::string>; ///< the first: no value

    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};

/// One row per trial. @param columns names as in filters (`fieldValues`), or `usualExactColumns`
/// A trial with several values of a column gets them joined by "; ".
ExactTable exactTable(std::span<const TrialRecord> trials, const std::vector<std::string>& columns);

/// All that these trials have: identity, pipeline, parameters, each metric with standard error and protocol, times.
/// A metric that was measured under several protocols has columns "name@protocol".
std::vector<std::string> usualExactColumns(std::span<const TrialRecord> trials);

/// One row per measurement, with all its conditions.
ExactTable metricTable(std::span<const TrialRecord> trials);
/// One row per number about a layer; the trials must be complete (`ProjectStore::trial`).
ExactTable layerTable(std::span<const TrialRecord> trials);

/// One row per predicted point of these trials (ProjectStore::rooflinePoints).
ExactTable predictionTable(std::span<const RooflinePoint> points, std::span<const TrialRecord> trials);

/// The header "name [unit]" and the cells; numbers as `canonicalJson` spells them.
TextRows textRows(const ExactTable& table);
/// {"columns": [{"name","unit"}], "rows": [[...]]}.
Json toJson(const ExactTable& table);

} // namespace paretoscope::core
