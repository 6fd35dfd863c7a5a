// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/merge/content.h"
#include "core/project/records.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::core {

struct StoreEnvironment;

/// One of the values that were measured under the same conditions and do not agree.
struct MeasuredValue
{
    std::optional<double> value;
    std::string startedUtc; ///< of the run that gave it; "" when it is not known
    Json provenance;        ///< of that run
};

/// Measurements of one result that contradict each other; all are kept.
struct MeasurementConflict
{
    std::string trial; ///< hex id
    std::string label;
    std::string metric;
    std::string protocol;
    std::vector<MeasuredValue> values; ///< the one that is shown first
};

struct MergeReport
{
    struct Source
    {
        std::filesystem::path file;
        std::int64_t trials = 0;    ///< that it has
        std::int64_t tornBytes = 0; ///< of a shard: what a node did not finish writing
    };

    std::vector<Source> sources;
    std::int64_t trialsAdded = 0;
    std::int64_t measurementsAdded = 0;
    std::int64_t rowsWritten = 0;               ///< 0: the target said all of it already and was not touched
    std::int64_t trials = 0;                    ///< of the target afterwards
    std::vector<MeasurementConflict> conflicts; ///< of the target afterwards, by label
};

/// The union of the target with the sources: projects (also while they are written), shards (*.psl), and folders of
/// shards. One transaction: complete or not at all. The target is made when it does not exist; merging the same again
/// changes nothing, and order does not matter.
/// @param dryRun reports what would happen and writes nothing; the target need not exist then either
/// Errors: those of opening each file, with its name; InvalidArgument (a folder without shards).
Result<MergeReport> mergeProjects(const std::vector<std::filesystem::path>& sources,
                                  const std::filesystem::path& target, bool dryRun);
Result<MergeReport> mergeProjects(const std::vector<std::filesystem::path>& sources,
                                  const std::filesystem::path& target, bool dryRun,
                                  const StoreEnvironment& environment);

/// The measurements that contradict each other, by label, metric and protocol.
std::vector<MeasurementConflict> conflictsIn(const ProjectContent& content);

/// Those of one trial of a project. Errors: those of ProjectStore::open.
Result<std::vector<MeasurementConflict>> conflictsOf(const TrialId& trial, const std::filesystem::path& project);

/// All that a project says, read-only. Errors: those of ProjectStore::open.
Result<ProjectContent> readContent(const std::filesystem::path& project, const StoreEnvironment& environment);

} // namespace paretoscope::core
