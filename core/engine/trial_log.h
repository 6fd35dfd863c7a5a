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

} // namespace paretoscope::engine
