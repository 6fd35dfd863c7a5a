// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/merge/merge.h"

#include <string>

namespace paretoscope::app {

/// Measurements that contradict each other, each value with the run that gave it; one line per conflict and value.
std::string conflictsText(const std::vector<core::MeasurementConflict>& conflicts);
/// [{"trial","pipeline","metric","protocol","values":[{"value","started","provenance"}]}].
core::Json conflictsJson(const std::vector<core::MeasurementConflict>& conflicts);

} // namespace paretoscope::app
