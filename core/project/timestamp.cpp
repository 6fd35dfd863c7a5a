// SPDX-License-Identifier: Apache-2.0
#include "core/project/timestamp.h"

#include <cstdio>
#include <ctime>

namespace paretoscope::core {

std::string utcTimestamp(std::chrono::system_clock::time_point time)
{
    using namespace std::chrono;
    const auto seconds = floor<std::chrono::seconds>(time);
    const auto milliseconds = duration_cast<std::chrono::milliseconds>(time - seconds).count();
    const std::time_t plain = system_clock::to_time_t(seconds);
    std::tm fields {};
    gmtime_r(&plain, &fields);
    char text[40];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &fields);
    std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(milliseconds));
    return text;
}

} // namespace paretoscope::core
