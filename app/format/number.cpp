// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace paretoscope::app {

namespace {

std::string scaled(std::int64_t bytes, double base, const std::array<std::string_view, 5>& units)
{
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (std::fabs(value) >= base && unit + 1 < units.size()) {
        value /= base;
        ++unit;
    }
    if (unit == 0)
        return fmt::format("{} B", bytes);
    // Four digits: compressed models of one sweep often differ in the third.
    const int decimals = value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

core::Error notA(std::string_view what, std::string_view text, std::string_view examples)
{
    return {core::ErrorCode::InvalidArgument, fmt::format("\"{}\" is not {}", text, what),
            fmt::format("for example {}", examples)};
}

std::optional<double> readNumber(std::string_view& text)
{
    double number = 0;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (failure != std::errc() || number < 0 || !std::isfinite(number))
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

} // namespace

std::string significant(std::optional<double> value, int digits)
{
    if (!value)
        return "-";
    const double number = *value;
    if (number == 0)
        return "0";
    if (!std::isfinite(number))
        return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
    const double magnitude = std::fabs(number);
    if (magnitude < 1e-3 || magnitude >= 1e7)
        return fmt::format("{:.{}e}", number, digits - 1);
    const int before = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
    return fmt::format("{:.{}f}", number, std::max(0, digits - before));
}

std::string withError(std::optional<double> value, std::optional<double> standardError)
{
    if (!value || !standardError || !std::isfinite(*value) || !std::isfinite(*standardError) || *standardError <= 0)
        return significant(value);
    // Two digits of the error are all that an error is known to. The value keeps four: trials measured on the same
    // windows are compared in pairs, where the common part of the error drops out.
    const int decimals = 1 - static_cast<int>(std::floor(std::log10(*standardError)));
    const std::string error =
        decimals > 6 ? significant(*standardError, 2) : fmt::format("{:.{}f}", *standardError, std::max(0, decimals));
    const double magnitude = std::fabs(*value);
    if (decimals > 6 || magnitude >= 1e7 || magnitude < 1e-3)
        return significant(value) + " ± " + error;
    const int before = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
    return fmt::format("{:.{}f} ± {}", *value, std::max({0, decimals, 4 - before}), error);
}

std::string decimalBytes(std::int64_t bytes)
{
    return scaled(bytes, 1000, {"B", "kB", "MB", "GB", "TB"});
}

std::string binaryBytes(std::int64_t bytes)
{
    return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string duration(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return "-";
    if (seconds < 9.95)
        return fmt::format("{:.{}f} s", seconds, seconds < 0.995 ? 2 : 1);
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 60)
        return fmt::format("{} s", whole);
    if (whole < 3600)
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    if (whole < 86400)
        return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} d {:02} h", whole / 86400, whole % 86400 / 3600);
}

std::string grouped(std::int64_t number)
{
    std::string digits = fmt::format("{}", number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string counted(std::int64_t number, std::string_view singular, std::string_view plural)
{
    const std::string many = plural.empty() ? std::string(singular) + "s" : std::string(plural);
    return grouped(number) + " " + (number == 1 ? std::string(singular) : many);
}

namespace {

std::optional<double> clockTime(std::string_view text)
{
    double total = 0;
    int parts = 0;
    while (true) {
        const auto number = readNumber(text);
        if (!number)
            return std::nullopt;
        total = total * 60 + *number;
        ++parts;
        if (text.empty())
            return parts <= 3 ? std::optional(total) : std::nullopt;
        if (text.front() != ':')
            return std::nullopt;
        text.remove_prefix(1);
    }
}

std::optional<double> spelledTime(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, double>, 5> kUnits {
        {{"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"s", 1}}};
    double total = 0;
    while (!text.empty()) {
        const auto number = readNumber(text);
        if (!number)
            return std::nullopt;
        const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                       [&](const auto& candidate) { return text.rfind(candidate.first, 0) == 0; });
        if (unit == kUnits.end())
            return std::nullopt;
        total += *number * unit->second;
        text.remove_prefix(unit->first.size());
    }
    return total;
}

} // namespace

core::Result<double> readDuration(std::string_view text)
{
    std::string_view rest = text;
    const auto plain = readNumber(rest);
    auto seconds = plain && rest.empty() ? plain : std::nullopt;
    if (!seconds && text.find(':') != std::string_view::npos)
        seconds = clockTime(text);
    else if (!seconds && !text.empty())
        seconds = spelledTime(text);
    if (!seconds || *seconds <= 0)
        return notA("a time span", text, "90s, 3h50m, 2d or 1:30:00");
    return *seconds;
}

core::Result<core::Bytes> readBytes(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, double>, 15> kUnits {{{"", 1},
                                                                                  {"B", 1},
                                                                                  {"kB", 1e3},
                                                                                  {"MB", 1e6},
                                                                                  {"GB", 1e9},
                                                                                  {"TB", 1e12},
                                                                                  {"KiB", 0x1p10},
                                                                                  {"MiB", 0x1p20},
                                                                                  {"GiB", 0x1p30},
                                                                                  {"TiB", 0x1p40},
                                                                                  {"K", 0x1p10},
                                                                                  {"M", 0x1p20},
                                                                                  {"G", 0x1p30},
                                                                                  {"T", 0x1p40},
                                                                                  {"KB", 1e3}}};
    std::string_view rest = text;
    const auto number = readNumber(rest);
    if (!rest.empty() && rest.front() == ' ')
        rest.remove_prefix(1);
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& candidate) { return candidate.first == rest; });
    if (!number || unit == kUnits.end() || *number * unit->second < 1 || *number * unit->second > 0x1p62)
        return notA("a size", text, "4GiB, 500MB or 4000000000");
    return core::Bytes {static_cast<std::int64_t>(*number * unit->second)};
}

} // namespace paretoscope::app
