// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/search/halving_driver.h"
#include "core/search/metric_constraint.h"
#include "core/search/search_driver.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A number that says how a driver searches.
struct DriverOption
{
    std::string_view name;
    bool isInteger = true;
    double fallback = 0;
    double minimum = 0;
    double maximum = 0;
};

/// A driver as sweep files know it.
struct DriverKind
{
    std::string_view name;
    bool isAdaptive = false; ///< what it asks for depends on results
    bool takesConstraints = false;
    std::span<const DriverOption> options;
};

std::span<const DriverKind> driverKinds();
/// Errors: InvalidArgument (with the near name); Unsupported (one of the design that is not there yet).
Result<const DriverKind*> findDriverKind(std::string_view name);

/// Option `name` of a driver, as its driver takes it. Errors: InvalidArgument (no such option, with the near one;
/// another type; out of range).
Result<Json> driverOption(const DriverKind& kind, std::string_view name, const Json& value);
/// All options that are not given, at their defaults; constraints are an empty list.
Json driverDefaults(const DriverKind& kind);

/// The entry of `driver:` that is complete: {"nsga2": {"population": 50, ...}}.
const DriverKind& kindOf(const Json& driver);
std::vector<MetricConstraint> constraintsOf(const Json& driver);
/// @param driver  complete; @param plan  of successive halving
std::unique_ptr<SearchDriver> makeDriver(const Json& driver, SearchSpace space, std::uint64_t seed,
                                         HalvingPlan plan = {});

} // namespace paretoscope::core
