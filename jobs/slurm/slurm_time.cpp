// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/slurm_time.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

namespace paretoscope::jobs {

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kLongest = 366 * kDay;

/// The numbers between the colons; nothing when something else stands there.
std::optional<std::vector<std::int64_t>> numbersOf(std::string_view text)
{
    std::vector<std::int64_t> numbers;
    const char* at = text.data();
    const char* end = at + text.size();
    for (;;) {
        std::int64_t number = 0;
        const auto [stop, failure] = std::from_chars(at, end, number);
        if (failure != std::errc() || number < 0 || number > kLongest)
            return std::nullopt;
        numbers.push_back(number);
        if (stop == end)
            return numbers;
        if (*stop != ':')
            return std::nullopt;
        at = stop + 1;
    }
}

std::optional<std::int64_t> secondsOf(std::string_view text)
{
    const std::size_t dash = text.find('-');
    const bool hasDays = dash != std::string_view::npos;
    const auto numbers = numbersOf(hasDays ? text.substr(dash + 1) : text);
    if (!numbers || numbers->size() > 3)
        return std::nullopt;
    // After days the first number is hours; otherwise it is so only when there are three.
    const bool beginsWithHours = hasDays || numbers->size() == 3;
    std::int64_t unit = beginsWithHours ? kHour : kMinute;
    std::int64_t seconds = 0;
    for (const std::int64_t number : *numbers) {
        seconds += number * unit;
        unit /= 60;
    }
    if (hasDays) {
        const auto days = numbersOf(text.substr(0, dash));
        if (!days || days->size() != 1)
            return std::nullopt;
        seconds += days->front() * kDay;
    }
    return seconds;
}

} // namespace

core::Result<std::int64_t> readSlurmTime(std::string_view text)
{
    const auto seconds = secondsOf(text);
    if (!seconds || *seconds <= 0 || *seconds > kLongest)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "\"" + std::string(text) + "\" is not a time span as Slurm writes it",
                            "for example 4:00:00, 1-12:00:00, or 90 (minutes)"};
    return *seconds;
}

std::string slurmTime(std::int64_t seconds)
{
    const std::string clock = fmt::format("{:02}:{:02}", seconds % kHour / kMinute, seconds % kMinute);
    if (seconds < kDay)
        return fmt::format("{}:{}", seconds / kHour, clock);
    return fmt::format("{}-{:02}:{}", seconds / kDay, seconds % kDay / kHour, clock);
}

} // namespace paretoscope::jobs
