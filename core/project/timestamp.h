// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace paretoscope::core {

/// ISO-8601 with milliseconds, "2024-05-17T03:12:09.045Z"; sorts as text.
std::string utcTimestamp(std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

} // namespace paretoscope::core
