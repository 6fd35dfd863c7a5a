// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace paretoscope::jobs {

/// Sends spdlog's default logger to stderr, in UTC and key=value.
/// @param level  of spdlog: trace, debug, info, warn, error
void startLog(const std::string& level);

} // namespace paretoscope::jobs
