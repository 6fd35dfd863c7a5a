// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// What `roofline --sweep AXIS=VALUES` varies.
struct RooflineAxis
{
    std::string name;                ///< "batch"
    std::vector<double> values = {}; ///< in the order in which they were given

    /// "batch=1,4,16", or "batch=1..64": every doubling from 1 to 64. Errors: InvalidArgument, naming what is wrong.
    static core::Result<RooflineAxis> read(const std::string& text);
    /// Sets it in the request or the device.
    void apply(double value, RooflineRequest& request, roofline::HardwareSpec& hardware) const;
};

/// One row per value: times, memory, energy. A value that the model refuses says why in its row.
Outcome reportSweep(const RooflineRequest& request, const RooflineAxis& axis, const NamedConfig& model,
                    const roofline::HardwareSpec& hardware, Session& session);

} // namespace paretoscope::app
