// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/row_reader.h"

#include "core/base/json.h"
#include "core/base/sha256.h"

#include <filesystem>
#include <map>
#include <optional>
#include <set>

namespace paretoscope::core {

/// Decides row by row what of a damaged project goes into a new one: values that are wrong are left out or set right,
/// rows that hang on something lost are lost, and what is derived from other content is derived again. Rows come
/// parents first.
class RowMender
{
public:
    /// @param artifacts folder of the kept artifacts of the damaged project
    RowMender(Database& source, std::filesystem::path artifacts);

    struct Verdict
    {
        bool changed = false;
        std::string lost; ///< why, when the row is not kept
    };
    Verdict mend(const TableShape& table, Row& row);
    void entered(const TableShape& table, const Row& row); ///< it is in the new file

    /// "trial 5", or "tag (trial_id 5, name best)".
    static std::string nameOf(const TableShape& table, const Row& row);

    /// The rows of `stage`, as the pipelines that were entered say.
    void stagesOfPipelines(const std::function<void(Row)>& take) const;

private:
    struct Cells; ///< a row by the names of its columns
    void mendCells(const TableShape& table, Row& row, Verdict& verdict) const;
    void mendParents(const TableShape& table, Row& row, Verdict& verdict) const;
    void mendPipeline(Cells cells, Verdict& verdict) const;
    void restoreSeed(Cells cells, Verdict& verdict) const;
    void mendTrial(Cells cells, Verdict& verdict) const;
    void mendAttempt(Cells cells, Verdict& verdict) const;
    void mendMeasurement(Cells cells, Verdict& verdict);
    void mendProfile(Cells cells, Verdict& verdict) const;
    void mendArtifact(Cells cells, Verdict& verdict) const;

    Database& m_source;
    std::filesystem::path m_artifacts;
    std::map<std::int64_t, Json> m_identities;             ///< of trials whose provenance tells, by row
    std::map<std::int64_t, Json> m_stageRows;              ///< of pipelines, from the table `stage`
    std::map<std::string, std::set<std::int64_t>> m_ids;   ///< entered, by table
    std::map<std::int64_t, Json> m_pipelines;              ///< entered
    std::map<std::int64_t, std::int64_t> m_trialOfAttempt; ///< entered
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> m_replicates; ///< seen, by trial and metric
};

} // namespace paretoscope::core
