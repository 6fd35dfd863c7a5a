// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"

namespace paretoscope::app {

/// `roofline --counters FILE`: what Nsight Compute counted, by NVTX range, beside the roofs of a device.
/// @param hardware null: without roofs
Outcome reportCounters(const RooflineRequest& request, const roofline::HardwareSpec* hardware, Session& session);

} // namespace paretoscope::app
