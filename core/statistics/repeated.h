// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <string>
#include <vector>

namespace paretoscope::core {

/// A duration that was measured several times, in seconds.
struct Repeated
{
    double median = 0;
    double best = 0;      ///< the shortest
    double variation = 0; ///< standard deviation over mean
    int count = 0;

    static constexpr double kNoisyAbove = 0.03;
    bool isNoisy() const { return variation > kNoisyAbove; }
    bool operator==(const Repeated&) const = default;
};

/// All zero for no values.
Repeated repeatedOf(std::vector<double> seconds);

Json toJson(const Repeated& value); ///< {"median", "best", "variation", "count"}
/// Errors: Corrupt (a field is missing or mistyped, the median is not above zero).
Result<Repeated> repeatedFromJson(const Json& json, const std::string& where);

} // namespace paretoscope::core
