// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"
#include "roofline/measured/machine_profile.h"

namespace paretoscope::app {

/// `roofline --mode accurate`: table of operations, times, memory, and why it is not faster.
Outcome reportPrediction(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::HardwareSpec& hardware, Session& session);

/// `roofline --mode calibrated`: the same of our own engine on a machine that was measured with a model.
Outcome reportCalibrated(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::MachineProfile& machine, Session& session);

} // namespace paretoscope::app
