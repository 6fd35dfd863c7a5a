// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"

namespace paretoscope::app {

/// `roofline --layers FILE`: one pass of a batch through a table of layers.
Outcome reportLayers(const RooflineRequest& request, const roofline::HardwareSpec& hardware, Session& session);

} // namespace paretoscope::app
