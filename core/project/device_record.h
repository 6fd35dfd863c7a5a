// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <string>

namespace paretoscope::core {

/// A device that a user described, for predictions.
struct DeviceRecord
{
    std::string name;
    Json cells = Json::object();  ///< what stands in the columns of hardware.csv, texts by column
    std::string recordedUtc = {}; ///< empty means now
};

} // namespace paretoscope::core
