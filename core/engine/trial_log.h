// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/project/records.h"

#include <map>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// What a trial has to tell beside its metrics.
struct TrialLog
{
    std::vector<core::LayerMetricRecord> layerMetrics;
    std::vector<std::string> warnings; ///< "module: text"
    int statisticsFromCache = 0;
    int statisticsComputed = 0;
    /// By producer of a fold group: what its channels were divided by, all stages together.
    std::map<std::string, std::vector<float>> folds = {};
};

/// What `log` holds beyond `saved`, for a file, and back.
core::Json logSince(const TrialLog& saved, const TrialLog& log);
/// @param more  as logSince() made it
void append(TrialLog& log, const core::Json& more);

/// What the user is shown: where many modules (the experts of a mixture) have the same to tell, it is said once, with
/// the first of them and their number. In the order of first appearance.
std::vector<std::string> summarisedWarnings(const std::vector<std::string>& warnings);

} // namespace paretoscope::engine
