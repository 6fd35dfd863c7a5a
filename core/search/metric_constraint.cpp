// SPDX-License-Identifier: Apache-2.0
#include "core/search/metric_constraint.h"

#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace paretoscope::core {

namespace {

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

} // namespace

double MetricConstraint::violationAt(double value) const
{
    const double excess = isUpperBound ? value - bound : bound - value;
    return std::max(0.0, excess) / (bound == 0 ? 1 : std::abs(bound));
}

Result<MetricConstraint> parseConstraint(std::string_view text)
{
    const std::size_t sign = std::min(text.find("<="), text.find(">="));
    if (sign != std::string_view::npos) {
        const std::string_view number = trimmed(text.substr(sign + 2));
        MetricConstraint constraint {std::string(trimmed(text.substr(0, sign))), text[sign] == '<', 0};
        const char* end = number.data() + number.size();
        const auto [last, failure] = std::from_chars(number.data(), end, constraint.bound);
        if (!constraint.metric.empty() && failure == std::errc() && last == end && std::isfinite(constraint.bound))
            return constraint;
    }
    return Error {ErrorCode::InvalidArgument, inQuotes(text) + " is not METRIC <= NUMBER or METRIC >= NUMBER",
                  "write e.g. \"bits_per_parameter <= 4.5\""};
}

} // namespace paretoscope::core
