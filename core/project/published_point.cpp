// SPDX-License-Identifier: Apache-2.0
#include "core/project/published_point.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace paretoscope::core {

namespace {

constexpr std::array<std::string_view, 3> kDoubts {"unverified", "recalled", "from memory"};

bool saysDoubt(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(kDoubts.begin(), kDoubts.end(),
                       [&](std::string_view doubt) { return text.find(doubt) != std::string::npos; });
}

} // namespace

bool PublishedPoint::isVerified() const
{
    return !saysDoubt(source) && !saysDoubt(confidence);
}

bool PublishedPoint::sharesAxesWith(const PublishedPoint& other) const
{
    return metric == other.metric && unit == other.unit && dataSet == other.dataSet && xMetric == other.xMetric;
}

} // namespace paretoscope::core
