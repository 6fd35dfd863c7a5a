// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

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
};

/// What the user is shown: where many modules (the experts of a mixture) have the same to tell, it is said once, with
/// the first of them and their number. In the order of first appearance.
std::vector<std::string> summarisedWarnings(const std::vector<std::string>& warnings);

} // namespace paretoscope::engine
