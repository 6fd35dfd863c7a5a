// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/published_point.h"

#include <span>
#include <vector>

namespace paretoscope::core {

// Table published_point. A point is known by all that it says but the time of recording, as in a merge.

/// @return how many were not there yet
Result<int> addPublishedPoints(Database& database, std::span<const PublishedPoint> points);
/// In order of recording.
Result<std::vector<PublishedPoint>> readPublishedPoints(Database& database);

} // namespace paretoscope::core
