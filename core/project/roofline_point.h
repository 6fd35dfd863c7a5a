// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/sweep/trial_id.h"

#include <optional>
#include <string>

namespace paretoscope::core {

/// What a pass of a model takes on a device.
struct RooflinePoint
{
    std::optional<TrialId> trial; ///< whose model it is; nothing: of no trial
    std::string hardware;         ///< a name of the hardware table, or of a machine profile
    std::string mode;             ///< "accurate", "measured", ...
    std::string phase;            ///< "prefill", "decode"
    std::string operation;        ///< "total": the whole pass
    /// With predictions of trials {"load": batch and lengths, "inputs_sha256": hash of all they were made of, ...}.
    Json settings = Json::object();
    double operations = 0;
    double memoryBytes = 0;
    std::optional<double> operationsPerSecond;
    std::string bound;
    std::optional<double> seconds;
    bool measured = false;
    std::string recordedUtc; ///< empty means now
};

} // namespace paretoscope::core
