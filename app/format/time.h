// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace paretoscope::app {

/// The time now, ISO-8601 in UTC with milliseconds: "2025-01-31T23:59:59.123Z".
std::string utcNow();

} // namespace paretoscope::app
