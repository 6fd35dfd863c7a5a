// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/time.h"

#include <fmt/chrono.h>

#include <chrono>

namespace paretoscope::app {

std::string utcNow()
{
    const auto now = std::chrono::system_clock::now();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), milliseconds.count());
}

} // namespace paretoscope::app
