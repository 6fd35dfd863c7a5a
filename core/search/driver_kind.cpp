// SPDX-License-Identifier: Apache-2.0
#include "core/search/driver_kind.h"

#include "core/base/assert.h"
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/search/grid_driver.h"
#include "core/search/nsga2_driver.h"
#include "core/search/sampling_driver.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace paretoscope::core {

namespace {

constexpr double kMostTrials = 100'000;

constexpr std::array kSampling {DriverOption {"trials", true, 32, 1, kMostTrials}};
constexpr std::array kNsga2 {
    DriverOption {"population", true, 50, 2, kMostTrials}, DriverOption {"generations", true, 10, 1, kMostTrials},
    DriverOption {"crossover_probability", false, 0.9, 0, 1}, DriverOption {"crossover_index", false, 15, 0, 1000},
    DriverOption {"mutation_index", false, 20, 0, 1000}};
constexpr std::array kHalving {DriverOption {"trials", true, 27, 1, kMostTrials},
                               DriverOption {"factor", true, 3, 2, 100},
                               DriverOption {"min_windows", true, 1, 1, 1'000'000}};

constexpr std::array kKinds {DriverKind {"grid", false, false, {}}, DriverKind {"random", false, false, kSampling},
                             DriverKind {"sobol", false, false, kSampling}, DriverKind {"nsga2", true, true, kNsga2},
                             DriverKind {"successive_halving", true, false, kHalving}};

constexpr std::array<std::string_view, 6> kPlanned {"tpe", "motpe", "parego", "ehvi", "evopress", "hyperband"};

constexpr std::string_view kConstraints = "constraints";

std::string numberText(double number)
{
    return canonicalJson(Json(number));
}

/// A text or a list of texts, each a constraint.
Result<Json> constraintList(const Json& value)
{
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& item : list) {
        if (!item.is_string())
            return Error {ErrorCode::InvalidArgument, "constraints holds " + shownValue(item) + ", not a text",
                          "write e.g. constraints: [\"bits_per_parameter <= 4.5\"]"};
        PSC_TRY(parseConstraint(item.get<std::string>()));
    }
    return list;
}

const Json& optionsOf(const Json& driver)
{
    PSC_ASSERT(driver.is_object() && driver.size() == 1, "a driver is one entry");
    return *driver.begin();
}

} // namespace

std::span<const DriverKind> driverKinds()
{
    return kKinds;
}

Result<const DriverKind*> findDriverKind(std::string_view name)
{
    std::vector<std::string> known;
    for (const DriverKind& kind : kKinds) {
        if (kind.name == name)
            return &kind;
        known.emplace_back(kind.name);
    }
    std::string names;
    for (const std::string& each : known)
        names += (names.empty() ? "" : ", ") + each;
    if (std::find(kPlanned.begin(), kPlanned.end(), name) != kPlanned.end())
        return Error {ErrorCode::Unsupported, "driver " + std::string(name) + " is not available yet",
                      "this version knows " + names};
    return Error {ErrorCode::InvalidArgument, "driver: unknown driver " + shownValue(std::string(name)),
                  suggestion(name, known)};
}

Result<Json> driverOption(const DriverKind& kind, std::string_view name, const Json& value)
{
    if (kind.takesConstraints && name == kConstraints)
        return constraintList(value);
    const auto found = std::find_if(kind.options.begin(), kind.options.end(),
                                    [&](const DriverOption& option) { return option.name == name; });
    const std::string what = "driver." + std::string(kind.name);
    if (found == kind.options.end()) {
        std::vector<std::string> known;
        for (const DriverOption& option : kind.options)
            known.emplace_back(option.name);
        if (kind.takesConstraints)
            known.emplace_back(kConstraints);
        return Error {ErrorCode::InvalidArgument, what + ": unknown key " + shownValue(std::string(name)),
                      known.empty() ? "it has no options: write {}" : suggestion(name, known)};
    }
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    const bool fits =
        number >= found->minimum && number <= found->maximum && (!found->isInteger || number == std::floor(number));
    if (!fits)
        return Error {ErrorCode::InvalidArgument,
                      what + "." + std::string(name) + " is " + shownValue(value) + ", not " +
                          (found->isInteger ? "an integer" : "a number") + " from " + numberText(found->minimum) +
                          " to " + numberText(found->maximum),
                      "the default is " + numberText(found->fallback)};
    return found->isInteger ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

Json driverDefaults(const DriverKind& kind)
{
    Json options = Json::object();
    for (const DriverOption& option : kind.options)
        options[std::string(option.name)] =
            option.isInteger ? Json(static_cast<std::int64_t>(option.fallback)) : Json(option.fallback);
    if (kind.takesConstraints)
        options[std::string(kConstraints)] = Json::array();
    return options;
}

const DriverKind& kindOf(const Json& driver)
{
    const auto kind = findDriverKind(driver.begin().key());
    PSC_ASSERT(kind.ok(), "the driver was checked when it was read");
    return *kind.value();
}

std::vector<MetricConstraint> constraintsOf(const Json& driver)
{
    std::vector<MetricConstraint> constraints;
    for (const Json& text : optionsOf(driver).value(std::string(kConstraints), Json::array()))
        constraints.push_back(parseConstraint(text.get<std::string>()).value());
    return constraints;
}

std::unique_ptr<SearchDriver> makeDriver(const Json& driver, SearchSpace space, std::uint64_t seed, HalvingPlan plan)
{
    const std::string_view name = kindOf(driver).name;
    const Json& options = optionsOf(driver);
    const auto count = [&](const char* option) { return options.at(option).get<std::size_t>(); };
    if (name == "random")
        return std::make_unique<SamplingDriver>(randomPoints(space, count("trials"), seed));
    if (name == "sobol")
        return std::make_unique<SamplingDriver>(sobolPoints(space, count("trials"), seed));
    if (name == "successive_halving")
        return std::make_unique<HalvingDriver>(randomPoints(space, count("trials"), seed), std::move(plan));
    if (name == "nsga2") {
        Nsga2Driver::Settings settings;
        settings.population = count("population");
        settings.generations = count("generations");
        settings.variation = {options.at("crossover_probability").get<double>(),
                              options.at("crossover_index").get<double>(), options.at("mutation_index").get<double>()};
        return std::make_unique<Nsga2Driver>(std::move(space), settings, seed);
    }
    return std::make_unique<GridDriver>(std::move(space));
}

} // namespace paretoscope::core
