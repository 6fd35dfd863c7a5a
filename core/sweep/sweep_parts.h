// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/marked_value.h"
#include "core/sweep/sweep.h"

#include <filesystem>
#include <vector>

namespace paretoscope::core {

/// What the readers of the parts of a sweep file share.
struct SweepContext
{
    const SourceText& source;
    const PluginCatalogue& plugins;
    std::filesystem::path folder; ///< anchors relative paths of the file
};

/// `workload:`. Model and corpora must exist.
Result<WorkloadSpec> readWorkload(const SweepContext& context, const MarkedValue& value);

/// A model: a path beside the sweep file, or a Hub-style name ("owner/name") inside the folders of PARETOSCOPE_MODELS.
/// @param what  the key, for messages
Result<std::filesystem::path> readModelPath(const SweepContext& context, const MarkedValue& value,
                                            const std::string& what);

/// `pipelines:`, expanded; every stage must suit `workload`.
Result<std::vector<Pipeline>> readPipelines(const SweepContext& context, const MarkedValue& value,
                                            const WorkloadSpec& workload);

/// Lays `source.overrides` over the tree of the file (the grammar stands at readSweep).
Status applyOverrides(MarkedValue& root, const SourceText& source, const PluginCatalogue& plugins);

} // namespace paretoscope::core
