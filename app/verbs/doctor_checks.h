// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/installation.h"
#include "core/base/json.h"

#include <string>
#include <vector>

namespace paretoscope::app {

enum class CheckStatus
{
    Ok,
    Warning,
    Failed
};

/// One thing that `doctor` looked at.
struct Check
{
    std::string name; ///< "worker"
    CheckStatus status = CheckStatus::Ok;
    std::string text;   ///< what was found
    std::string hint;   ///< what to do about it
    core::Json details; ///< for --json
};

/// Looks at every part of the installation; starts the worker once. Changes nothing. In the order for reading.
std::vector<Check> checkInstallation(const core::Installation& installation);

} // namespace paretoscope::app
