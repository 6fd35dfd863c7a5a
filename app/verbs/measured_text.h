// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/format/table.h"
#include "roofline/measured/layer_points.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// The document of `roofline --measure --json`: profile, points, whole steps, what should not be relied on.
core::Json measurementJson(const roofline::MachineProfile& profile, const roofline::MeasuredPoints& points,
                           const std::vector<std::string>& remarks);
/// Tables of ceilings and steps, and how well the calibrated prediction fits.
std::string measurementText(const roofline::MachineProfile& profile, const roofline::MeasuredPoints& points,
                            const Stream& stream);

} // namespace paretoscope::app
