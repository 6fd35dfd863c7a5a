// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_table.h"
#include "roofline/prediction/generation.h"

#include <string>
#include <string_view>

namespace paretoscope::roofline {

/// The device and the load that all trials of a project are predicted for.
struct WhatIf
{
    HardwareSpec hardware = {};
    Request request = {.batch = 1, .prompt = 1024, .generated = 128};
    std::string efficiency = "ideal"; ///< a name of namedEfficiency()

    /// "NVIDIA A100 SXM 80GB/batch-1/prompt-1024/generate-128/ideal": the protocol of predicted metrics.
    std::string id() const;
    /// From such an id; parts at its end may be missing, which leaves them as they are by default.
    /// Errors: NotFound (device or efficiency, with the near name), InvalidArgument (a part that is none).
    static core::Result<WhatIf> read(std::string_view id, const HardwareTable& table);
};

/// "ideal", "realistic" or "graphs". Errors: NotFound, with the near name.
core::Result<Efficiency> namedEfficiency(std::string_view name);

} // namespace paretoscope::roofline
