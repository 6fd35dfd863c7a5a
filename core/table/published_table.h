// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/published_point.h"
#include "core/table/exact_table.h"
#include "core/table/table_text.h"

#include <span>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Points out of a table, and which of its rows give none.
struct PublishedTable
{
    std::vector<PublishedPoint> points;     ///< also those that are not verified
    std::vector<std::string> withoutNumber; ///< "row 7: 90-95", for rows whose value is no number
};

/// Reads a table with one published number per row. The columns method, metric, value and source are needed; model,
/// data_set, unit, x_metric, x_value, url and confidence are known; dataset_model, which names a data set or a model
/// with one, is taken as the data set; every other column is a condition, a number where it reads as one. A source
/// "same" is that of the row above.
/// Errors: InvalidArgument (a column is missing or there twice), Corrupt (an empty cell that must not be, half an
/// x axis), each naming row and column. @param what names the table in messages
Result<PublishedTable> readPublishedTable(const TextRows& rows, const std::string& what);

/// The same columns, every condition one of its own: what readPublishedTable reads back as equal points.
ExactTable publishedTable(std::span<const PublishedPoint> points);

} // namespace paretoscope::core
