// SPDX-License-Identifier: Apache-2.0
#include "core/project/timestamp.h"

#include <algorithm>
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

bool isUtcTimestamp(std::string_view text)
{
    constexpr std::string_view kForm = "0000-00-00T00:00:00";
    if (text.size() < kForm.size() + 1 || text.back() != 'Z')
        return false;
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] == '0' ? !isDigit(text[i]) : text[i] != kForm[i])
            return false;
    }
    const std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
    if (!fraction.empty() &&
        (fraction[0] != '.' || fraction.size() == 1 || !std::all_of(fraction.begin() + 1, fraction.end(), isDigit)))
        return false;
    const auto part = [text](std::size_t at) { return 10 * (text[at] - '0') + (text[at + 1] - '0'); };
    const std::chrono::year_month_day date {std::chrono::year(100 * part(0) + part(2)),
                                            std::chrono::month(static_cast<unsigned>(part(5))),
                                            std::chrono::day(static_cast<unsigned>(part(8)))};
    return date.ok() && part(11) < 24 && part(14) < 60 && part(17) <= 60; // a leap second
}

} // namespace paretoscope::core
