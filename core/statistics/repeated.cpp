// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/repeated.h"

#include "core/base/json_fields.h"
#include "core/statistics/sample.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::core {

Repeated repeatedOf(std::vector<double> seconds)
{
    if (seconds.empty())
        return {};
    std::sort(seconds.begin(), seconds.end());
    const double mean = meanOf(seconds);
    double squares = 0;
    for (const double value : seconds)
        squares += (value - mean) * (value - mean);
    const auto count = static_cast<double>(seconds.size());
    const double deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
    return {.median = quantileOf(seconds, 0.5),
            .best = seconds.front(),
            .variation = mean > 0 ? deviation / mean : 0,
            .count = static_cast<int>(seconds.size())};
}

Json toJson(const Repeated& value)
{
    return {{"median", value.median}, {"best", value.best}, {"variation", value.variation}, {"count", value.count}};
}

Result<Repeated> repeatedFromJson(const Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    Repeated value;
    PSC_ASSIGN(value.median, fields.required<double>("median"));
    PSC_ASSIGN(value.best, fields.required<double>("best"));
    PSC_ASSIGN(value.variation, fields.required<double>("variation"));
    PSC_ASSIGN(value.count, fields.required<int>("count"));
    if (!(value.median > 0))
        return fields.error("median", "must be above zero");
    return value;
}

} // namespace paretoscope::core
