// SPDX-License-Identifier: Apache-2.0
#include "roofline/trial/what_if.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

struct Count
{
    std::string_view prefix;
    double Request::*value;
};
constexpr std::array kCounts {Count {"batch-", &Request::batch}, Count {"prompt-", &Request::prompt},
                              Count {"generate-", &Request::generated}};
constexpr const char* kForm = "write DEVICE/batch-1/prompt-1024/generate-128/ideal, or its beginning";
constexpr double kMostTokens = 268435456;

std::vector<std::string_view> partsOf(std::string_view text)
{
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('/', begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// The device that `id` begins with; names may hold a slash themselves.
core::Result<const HardwareSpec*> deviceIn(std::string_view id, const HardwareTable& table)
{
    core::Result<const HardwareSpec*> found = table.find(id);
    for (std::size_t end = id.rfind('/'); !found.ok() && end != std::string_view::npos && end > 0;
         end = id.rfind('/', end - 1))
        found = table.find(id.substr(0, end));
    return found;
}

core::Status readCount(std::string_view part, const Count& count, Request& request)
{
    std::int64_t number = 0;
    const std::string_view digits = part.starts_with(count.prefix) ? part.substr(count.prefix.size()) : "";
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size() || number < 1 || double(number) > kMostTokens)
        return Error {ErrorCode::InvalidArgument,
                      "\"" + std::string(part) + "\" is no " + std::string(count.prefix) + "N of a prediction", kForm};
    request.*count.value = static_cast<double>(number);
    return core::success();
}

} // namespace

std::string WhatIf::id() const
{
    std::string id = hardware.name;
    for (const Count& count : kCounts)
        id += "/" + std::string(count.prefix) + std::to_string(static_cast<std::int64_t>(request.*count.value));
    return id + "/" + efficiency;
}

core::Result<WhatIf> WhatIf::read(std::string_view id, const HardwareTable& table)
{
    PSC_ASSIGN(const HardwareSpec* device, deviceIn(id, table));
    WhatIf whatIf {.hardware = *device};
    const std::vector<std::string_view> parts = partsOf(id.substr(std::min(id.size(), device->name.size() + 1)));
    for (std::size_t i = 0; i < std::min(kCounts.size(), parts.size()); ++i)
        PSC_TRY(readCount(parts[i], kCounts[i], whatIf.request));
    if (parts.size() > kCounts.size() + 1)
        return Error {ErrorCode::InvalidArgument,
                      "\"" + std::string(parts.back()) + "\" is more than a prediction knows", kForm};
    if (parts.size() == kCounts.size() + 1) {
        PSC_TRY(namedEfficiency(parts.back()));
        whatIf.efficiency = parts.back();
    }
    return whatIf;
}

core::Result<Efficiency> namedEfficiency(std::string_view name)
{
    if (name == "ideal")
        return Efficiency::ideal();
    if (name == "realistic")
        return Efficiency::realistic();
    if (name == "graphs")
        return Efficiency::graphs();
    const std::vector<std::string> known {"ideal", "realistic", "graphs"};
    return Error {ErrorCode::NotFound, "no efficiency is called \"" + std::string(name) + "\"",
                  core::suggestion(name, known)};
}

} // namespace paretoscope::roofline
