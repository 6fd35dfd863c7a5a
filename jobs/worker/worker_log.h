// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace paretoscope::jobs {

// The worker's log on stderr, for files that see libtorch: it brings a fmt of its own, which spdlog's headers cannot
// live with.

/// @param level  of spdlog: trace, debug, info, warn, error
void startLog(const std::string& level);
void logWarning(const std::string& line); ///< key=value
void logError(const std::string& line);

} // namespace paretoscope::jobs
