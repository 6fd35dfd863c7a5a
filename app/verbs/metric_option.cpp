// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/metric_option.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

namespace paretoscope::app {

namespace {

core::Error invalid(std::string message)
{
    return {core::ErrorCode::InvalidArgument, std::move(message), "write name=value,name=value"};
}

/// Length of the option name that begins `part`, when an "=" follows it; 0 otherwise.
std::size_t nameLength(std::string_view part)
{
    std::size_t length = 0;
    while (length < part.size() &&
           (std::isalnum(static_cast<unsigned char>(part[length])) || part[length] == '_' || part[length] == '-'))
        ++length;
    return length < part.size() && part[length] == '=' ? length : 0;
}

/// The parts between those commas that begin a new "name=".
std::vector<std::string> partsOf(std::string_view text)
{
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view part = text.substr(begin, end - begin);
        if (!parts.empty() && nameLength(part) == 0)
            parts.back() += "," + std::string(part);
        else
            parts.emplace_back(part);
        begin = end + 1;
    }
    return parts;
}

core::Json valueOf(const std::string& text)
{
    if (text == "true" || text == "false")
        return text == "true";
    const char* end = text.data() + text.size();
    std::int64_t integer = 0;
    if (const auto [stop, failure] = std::from_chars(text.data(), end, integer); failure == std::errc() && stop == end)
        return integer;
    double number = 0;
    if (const auto [stop, failure] = std::from_chars(text.data(), end, number); failure == std::errc() && stop == end)
        return number;
    return text;
}

} // namespace

core::Result<core::Json> readMetricOptions(std::string_view text, std::string_view bare,
                                           const std::vector<std::string>& paths)
{
    core::Json options = core::Json::object();
    for (const std::string& part : partsOf(text)) {
        const std::size_t length = nameLength(part);
        std::string name = part.substr(0, length);
        const std::string value = length == 0 ? part : part.substr(length + 1);
        if (length == 0 && (bare.empty() || !options.empty()))
            return invalid("\"" + part + "\" is no name=value");
        if (length == 0)
            name = bare;
        if (options.contains(name))
            return invalid("\"" + name + "\" is given twice");
        const bool isPath = std::find(paths.begin(), paths.end(), name) != paths.end();
        std::error_code ignored;
        options[name] = isPath ? core::Json(std::filesystem::absolute(value, ignored).string()) : valueOf(value);
    }
    return options;
}

} // namespace paretoscope::app
