// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"

namespace paretoscope::app {

/// `roofline --mode lv-…`: what LLM-Viewer says of one setting.
Outcome reportLlmViewer(const RooflineRequest& request, const NamedConfig& model,
                        const roofline::HardwareSpec& hardware, Session& session);

} // namespace paretoscope::app
