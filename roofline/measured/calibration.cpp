// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/calibration.h"

#include "core/base/json_fields.h"
#include "roofline/measured/compass_search.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using Points = std::vector<CalibrationPoint>;
using KindShares = std::array<ReachedShares, kKernelKinds>;

constexpr double kLeastShare = 1.0 / 1024;

// What is searched of one set of shares: logarithms of the shares and of the curve's factor, seconds of a launch.
constexpr std::size_t kValues = 5;

std::vector<SearchedValue> searched(const ReachedShares& start, double largestLaunch)
{
    const auto share = [](double value) { return SearchedValue {std::log(value), std::log(kLeastShare), 0, 0.5}; };
    return {share(start.matrix),
            share(start.vector),
            share(start.memory),
            {start.launchSeconds, 0, largestLaunch, largestLaunch / 8},
            {std::log(start.curve), -1, 1, 0.1}};
}

ReachedShares sharesAt(const std::vector<double>& values, std::size_t first)
{
    return {.matrix = std::exp(values[first]),
            .vector = std::exp(values[first + 1]),
            .memory = std::exp(values[first + 2]),
            .launchSeconds = values[first + 3],
            .curve = std::exp(values[first + 4])};
}

template <typename SharesOf>
double secondsOf(const CalibrationPoint& point, bool usesCurve, const SharesOf& sharesOf)
{
    double sum = 0;
    for (const CeilingTimes& operation : point.operations)
        sum += operation.seconds(sharesOf(operation.kind), usesCurve);
    return sum;
}

template <typename SecondsOf>
double squaredLogRatios(const Points& points, const SecondsOf& seconds)
{
    double sum = 0;
    for (const CalibrationPoint& point : points) {
        const double ratio = std::log(std::max(seconds(point), 1e-12) / point.measured);
        sum += ratio * ratio;
    }
    return sum;
}

/// No launch takes longer than the shortest part that was measured.
double largestLaunch(const Points& points)
{
    double least = points.front().measured;
    for (const CalibrationPoint& point : points) {
        double launches = 0;
        for (const CeilingTimes& operation : point.operations)
            launches += operation.launches;
        if (launches > 0)
            least = std::min(least, point.measured / launches);
    }
    return least * 4; // a kind of kernel may take more of them than its part counts
}

/// Shares that are alike for all kernels. Several starts: a maximum of terms has several minima.
ReachedShares fitOverall(const Points& points)
{
    const double largest = largestLaunch(points);
    const auto distance = [&](const std::vector<double>& values) {
        const ReachedShares shares = sharesAt(values, 0);
        return squaredLogRatios(points, [&](const CalibrationPoint& point) {
            return secondsOf(point, false, [&](KernelKind) { return shares; });
        });
    };
    std::optional<std::vector<double>> best;
    for (const double compute : {0.9, 0.3}) {
        for (const double memory : {0.9, 0.3}) {
            const ReachedShares start {.matrix = compute, .vector = compute / 3, .memory = memory};
            const std::vector<double> found = compassSearch(searched(start, largest), distance);
            if (!best || distance(found) < distance(*best))
                best = found;
        }
    }
    ReachedShares shares = sharesAt(*best, 0);
    shares.curve = 1; // not used
    return shares;
}

KindShares fitKinds(const Points& points, const ReachedShares& overall)
{
    const double largest = largestLaunch(points);
    std::vector<SearchedValue> start;
    for (std::size_t kind = 0; kind < kKernelKinds; ++kind) {
        const std::vector<SearchedValue> values = searched(overall, largest);
        start.insert(start.end(), values.begin(), values.end());
    }
    const auto unpacked = [](const std::vector<double>& values) {
        KindShares shares;
        for (std::size_t kind = 0; kind < kKernelKinds; ++kind)
            shares[kind] = sharesAt(values, kind * kValues);
        return shares;
    };
    const auto distance = [&](const std::vector<double>& values) {
        const KindShares shares = unpacked(values);
        return squaredLogRatios(points, [&](const CalibrationPoint& point) {
            return secondsOf(point, true,
                             [&](KernelKind kind) -> const ReachedShares& { return shares[std::size_t(kind)]; });
        });
    };
    return unpacked(compassSearch(start, distance));
}

template <typename SecondsOf>
FitError errorOf(const Points& points, const SecondsOf& seconds)
{
    FitError error;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double relative = std::fabs(seconds(i) / points[i].measured - 1);
        error.meanRelative += relative;
        error.within20Percent += relative <= 0.2 ? 1 : 0;
    }
    error.meanRelative /= static_cast<double>(points.size());
    error.within20Percent /= static_cast<double>(points.size());
    return error;
}

core::Status checkPoints(const Points& points)
{
    if (points.empty())
        return Error {ErrorCode::InvalidArgument, "there is nothing to calibrate with", "measure with a model"};
    for (const CalibrationPoint& point : points) {
        if (!(point.measured > 0) || point.operations.empty())
            return Error {ErrorCode::InvalidArgument, "a part of a step took no time", "measure again"};
    }
    return core::success();
}

Json sharesJson(const ReachedShares& shares)
{
    return {{"matrix", shares.matrix},
            {"vector", shares.vector},
            {"memory", shares.memory},
            {"launch_seconds", shares.launchSeconds},
            {"curve", shares.curve}};
}

core::Result<ReachedShares> sharesFrom(const Json& json, const std::string& where)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(json, where));
    ReachedShares shares;
    PSC_ASSIGN(shares.matrix, fields.required<double>("matrix"));
    PSC_ASSIGN(shares.vector, fields.required<double>("vector"));
    PSC_ASSIGN(shares.memory, fields.required<double>("memory"));
    PSC_ASSIGN(shares.launchSeconds, fields.required<double>("launch_seconds"));
    PSC_ASSIGN(shares.curve, fields.required<double>("curve"));
    for (const double share : {shares.matrix, shares.vector, shares.memory}) {
        if (!(share > 0 && share <= 1))
            return fields.error("matrix, vector, memory", "must be above 0, at most 1");
    }
    if (!(shares.launchSeconds >= 0) || !(shares.curve > 0))
        return fields.error("launch_seconds, curve", "must not be negative");
    return shares;
}

Json errorJson(const FitError& error)
{
    return {{"mean_relative", error.meanRelative}, {"within_20_percent", error.within20Percent}};
}

core::Result<FitError> errorFrom(const Json& json, const std::string& where)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(json, where));
    FitError error;
    PSC_ASSIGN(error.meanRelative, fields.required<double>("mean_relative"));
    PSC_ASSIGN(error.within20Percent, fields.required<double>("within_20_percent"));
    return error;
}

} // namespace

std::string_view kernelKindName(KernelKind kind)
{
    static constexpr std::array<std::string_view, kKernelKinds> kNames {"product",  "attention",   "norm",
                                                                        "rotation", "elementwise", "copy"};
    return kNames[static_cast<std::size_t>(kind)];
}

KernelKind kindOf(const Operation& operation)
{
    if (operation.matrixFlops > 0)
        return operation.rows > 0 ? KernelKind::Product : KernelKind::Attention;
    if (operation.name == "softmax")
        return KernelKind::Attention;
    if (operation.name.ends_with("_norm"))
        return KernelKind::Norm;
    if (operation.name.starts_with("rope"))
        return KernelKind::Rotation;
    return operation.vectorFlops > 0 ? KernelKind::Elementwise : KernelKind::Copy;
}

double CeilingTimes::ideal() const
{
    return std::max(matrix + vector, memory);
}

double CeilingTimes::seconds(const ReachedShares& shares, bool usesCurve) const
{
    const double work = usesCurve && curve > 0
                            ? curve * shares.curve
                            : std::max(matrix / shares.matrix + vector / shares.vector, memory / shares.memory);
    return work + launches * shares.launchSeconds;
}

core::Result<Calibration> calibrate(const std::vector<CalibrationPoint>& points)
{
    PSC_TRY(checkPoints(points));
    Calibration result;
    result.overall = fitOverall(points);
    result.kinds = fitKinds(points, result.overall);
    result.ideal = errorOf(points, [&](std::size_t i) {
        return secondsOf(points[i], false, [](KernelKind) { return ReachedShares {}; });
    });
    result.overallError = errorOf(
        points, [&](std::size_t i) { return secondsOf(points[i], false, [&](KernelKind) { return result.overall; }); });
    result.error = errorOf(points, [&](std::size_t i) {
        return secondsOf(points[i], true, [&](KernelKind kind) { return result.of(kind); });
    });
    return result;
}

FitError fitError(const std::vector<CalibrationPoint>& points, const std::vector<double>& seconds)
{
    return errorOf(points, [&](std::size_t i) { return seconds[i]; });
}

std::vector<double> leftOutSeconds(const std::vector<CalibrationPoint>& points, const Calibration& calibration)
{
    std::set<std::size_t> steps;
    for (const CalibrationPoint& point : points)
        steps.insert(point.step);
    std::vector<double> seconds(points.size());
    for (const std::size_t step : steps) {
        Points others;
        for (const CalibrationPoint& point : points) {
            if (point.step != step)
                others.push_back(point);
        }
        const KindShares kinds = others.empty() ? calibration.kinds : fitKinds(others, calibration.overall);
        for (std::size_t i = 0; i < points.size(); ++i) {
            if (points[i].step == step)
                seconds[i] = secondsOf(
                    points[i], true, [&](KernelKind kind) -> const ReachedShares& { return kinds[std::size_t(kind)]; });
        }
    }
    return seconds;
}

Json Calibration::json() const
{
    Json kindShares = Json::object();
    for (std::size_t kind = 0; kind < kKernelKinds; ++kind)
        kindShares[std::string(kernelKindName(static_cast<KernelKind>(kind)))] = sharesJson(kinds[kind]);
    return {{"overall", sharesJson(overall)},
            {"kinds", std::move(kindShares)},
            {"section_seconds", sectionSeconds},
            {"errors",
             {{"ideal", errorJson(ideal)},
              {"overall", errorJson(overallError)},
              {"kinds", errorJson(error)},
              {"left_out", errorJson(leftOut)}}}};
}

core::Result<Calibration> Calibration::fromJson(const Json& json, const std::string& where)
{
    PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(json, where));
    Calibration result;
    const Json kindShares = fields.anything("kinds");
    const Json errors = fields.anything("errors");
    const Json overallShares = fields.anything("overall");
    PSC_ASSIGN(result.overall, sharesFrom(overallShares, where + ": overall"));
    for (std::size_t kind = 0; kind < kKernelKinds; ++kind) {
        const std::string name(kernelKindName(static_cast<KernelKind>(kind)));
        if (!kindShares.is_object() || !kindShares.contains(name))
            return fields.error("kinds", "has no " + name);
        PSC_ASSIGN(result.kinds[kind], sharesFrom(kindShares.at(name), where + ": " + name));
    }
    PSC_ASSIGN(result.sectionSeconds, fields.required<double>("section_seconds"));
    const std::pair<const char*, FitError*> all[] {{"ideal", &result.ideal},
                                                   {"overall", &result.overallError},
                                                   {"kinds", &result.error},
                                                   {"left_out", &result.leftOut}};
    for (const auto& [name, error] : all) {
        if (!errors.is_object() || !errors.contains(name))
            return fields.error("errors", std::string("has no ") + name);
        PSC_ASSIGN(*error, errorFrom(errors.at(name), where + ": " + name));
    }
    return result;
}

} // namespace paretoscope::roofline
