// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>

namespace paretoscope::core {

/// "bits_per_parameter <= 4.5": what a trial must keep to be feasible.
struct MetricConstraint
{
    std::string metric;
    bool isUpperBound = true;
    double bound = 0;

    /// 0 when kept, else how far beyond the bound, as a share of the bound (of 1 when that is 0).
    double violationAt(double value) const;
};

/// Errors: InvalidArgument (not "METRIC <= NUMBER" or "METRIC >= NUMBER").
Result<MetricConstraint> parseConstraint(std::string_view text);

} // namespace paretoscope::core
