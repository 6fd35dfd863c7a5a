// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"

namespace paretoscope::app {

/// `roofline --mode accurate`: table of operations, times, memory, and why it is not faster.
Outcome reportPrediction(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::HardwareSpec& hardware, Session& session);

} // namespace paretoscope::app
