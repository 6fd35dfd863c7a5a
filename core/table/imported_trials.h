// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/table/table_text.h"

#include <set>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Where an imported table comes from; kept as provenance of every trial.
struct TableSource
{
    std::string name; ///< of the file
    Sha256Digest digest;
    std::string workload;           ///< of rows that name none
    std::set<std::string> metrics;  ///< columns to take as metrics although nothing else says so
    std::set<std::string> maximise; ///< metrics of which more is better; those of our own are known
};

/// Trials out of a table, and what its columns were taken for.
struct ImportedTrials
{
    std::vector<TrialRecord> trials;
    std::vector<std::string> metrics;
    std::vector<std::string> parameters;
};

/// Reads one trial per row, or one measurement per row where there are columns "metric" and "value".
///
/// Columns go by the names of `usualExactColumns` and `metricTable`, a unit in brackets after the name. A metric is a
/// column that our own metrics are called, that has a unit, an "@protocol" or a column NAME.standard_error or
/// NAME.protocol beside it, or that `source` names; other columns are parameters of one stage ("params_" before the
/// name is left out). Numbers without a protocol get one of their own, so that they share no axis with others unasked.
/// Without a column "id" a trial is known by everything in its row that is no metric, time or tag: reading a table
/// again changes nothing.
///
/// Errors: InvalidArgument (no metric; the same trial twice), Corrupt (a cell that is not what its column holds), each
/// naming row and column.
Result<ImportedTrials> importTrials(const TextRows& rows, const TableSource& source);

/// The rows of {"columns": [{"name","unit"}], "rows": [[...]]} or of a list of flat objects.
/// Errors: Corrupt.
Result<TextRows> rowsOfJson(const Json& document, const std::string& what);

} // namespace paretoscope::core
