// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

namespace paretoscope::core {

// Tables layer_quantity (which number of which module) and layer_metric (its value in a result).

Status recordLayerMetrics(Database& database, std::int64_t trialRow, const std::vector<LayerMetricRecord>& metrics);
/// In the order in which the project first met the quantities.
Result<std::vector<LayerMetricRecord>> readLayerMetrics(Database& database, std::int64_t trialRow);

} // namespace paretoscope::core
