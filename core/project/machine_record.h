// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <string>
#include <vector>

namespace paretoscope::core {

/// A part of a pass that was timed on a machine.
struct MeasuredPartRecord
{
    std::string phase;              ///< "prefill", "decode"
    std::string operation;          ///< the one it begins with; "total": the whole pass
    Json settings = Json::object(); ///< model, batch, tokens
    double operations = 0;          ///< predicted
    double memoryBytes = 0;         ///< predicted
    std::string bound = {};
    double seconds = 0;
};

/// A machine that was measured.
struct MachineRecord
{
    std::string name;
    Json profile;                               ///< roofline::MachineProfile::json()
    std::vector<MeasuredPartRecord> parts = {}; ///< to be written; not read back
    std::string recordedUtc = {};               ///< empty means now
};

} // namespace paretoscope::core
