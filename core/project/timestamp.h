// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// ISO-8601 with milliseconds, "2024-05-17T03:12:09.045Z"; sorts as text.
std::string utcTimestamp(std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

/// Whether `text` is a moment in that form; the fraction of the second may be missing or longer.
bool isUtcTimestamp(std::string_view text);

} // namespace paretoscope::core
