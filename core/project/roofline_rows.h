// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/roofline_point.h"

#include <span>
#include <vector>

namespace paretoscope::core {

// Table roofline_point.

/// Predictions for trials. Those that are there with the same inputs are left alone, those that were made of other ones
/// for the same trial, device and load give way. @return how many were new. Errors: NotFound (a trial).
Result<int> recordPredictions(Database& database, std::span<const RooflinePoint> points);
/// In order of recording.
Result<std::vector<RooflinePoint>> readRooflinePoints(Database& database);

} // namespace paretoscope::core
