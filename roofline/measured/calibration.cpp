// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/calibration.h"

#include "core/base/json_fields.h"
#include "roofline/measured/compass_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;
using Points = std::vector<CalibrationPoint>;

constexpr double kLeastShare = 1.0 / 1024;

SearchedValue searchedShare(double value)
{
    return {std::log(value), std::log(kLeastShare), 0, 0.5};
}

SearchedValue searchedSeconds(double value, double most)
{
    return {std::min(value, most), 0, most, most / 8};
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

/// Launches of a kind take at most twice as long as the shortest part of it allows. @param kind of all without one
double largestLaunch(const Points& points, std::optional<KernelKind> kind)
{
    double least = std::numeric_limits<double>::infinity();
    for (const CalibrationPoint& point : points) {
        double launches = 0;
        for (const CeilingTimes& operation : point.operations)
            launches += !kind || operation.kind == *kind ? operation.launches : 0;
        if (launches > 0)
            least = std::min(least, point.measured / launches);
    }
    return std::isfinite(least) ? 2 * least : 0;
}

/// Shares that are alike for all kernels. Several starts: a maximum of terms has several minima.
ReachedShares fitOverall(const Points& points)
{
    const double largest = largestLaunch(points, std::nullopt);
    const auto sharesAt = [](const std::vector<double>& values) {
        return ReachedShares {.matrix = std::exp(values[0]),
                              .vector = std::exp(values[1]),
                              .memory = std::exp(values[2]),
                              .launchSeconds = values[3]};
    };
    const auto distance = [&](const std::vector<double>& values) {
        const ReachedShares shares = sharesAt(values);
        return squaredLogRatios(points, [&](const CalibrationPoint& point) {
            return secondsOf(point, false, [&](KernelKind) { return shares; });
        });
    };
    std::optional<std::vector<double>> best;
    for (const double compute : {0.9, 0.3}) {
        for (const double memory : {0.9, 0.3}) {
            const std::vector<double> found =
                compassSearch({searchedShare(compute), searchedShare(compute / 3), searchedShare(memory),
                               searchedSeconds(largest / 4, largest)},
                              distance);
            if (!best || distance(found) < distance(*best))
                best = found;
        }
    }
    return sharesAt(*best);
}

/// The values of all kinds in one row, and back.
class KindValues
{
public:
    KindValues(const Points& points, const ReachedShares& overall)
        : m_overall(overall)
    {
        for (std::size_t i = 0; i < kKernelKinds; ++i)
            append(static_cast<KernelKind>(i), points);
        double shortestEntry = std::numeric_limits<double>::infinity();
        for (const CalibrationPoint& point : points)
            shortestEntry = point.isEntry ? std::min(shortestEntry, point.measured) : shortestEntry;
        const double most = std::isfinite(shortestEntry) ? 1.2 * shortestEntry : 0;
        m_start.push_back(searchedSeconds(most / 2, most));
    }

    const std::vector<SearchedValue>& start() const { return m_start; }

    Calibration at(const std::vector<double>& values) const
    {
        Calibration calibration;
        auto value = values.begin();
        for (std::size_t i = 0; i < kKernelKinds; ++i) {
            const auto kind = static_cast<KernelKind>(i);
            ReachedShares& shares = calibration.kinds[i];
            shares = m_overall;
            shares.memory = std::exp(*value++);
            shares.launchSeconds = *value++;
            if (computes(kind))
                shares.matrix = std::exp(*value++);
            if (kind == KernelKind::Product)
                shares.curve = std::exp(*value++);
            else
                shares.vector = computes(kind) ? shares.matrix : shares.memory;
        }
        calibration.stepSeconds = *value;
        return calibration;
    }

private:
    static bool computes(KernelKind kind) { return kind == KernelKind::Product || kind == KernelKind::Attention; }

    void append(KernelKind kind, const Points& points)
    {
        const double largest = largestLaunch(points, kind);
        m_start.push_back(searchedShare(m_overall.memory));
        m_start.push_back(searchedSeconds(m_overall.launchSeconds, largest));
        if (computes(kind))
            m_start.push_back(searchedShare(m_overall.matrix));
        if (kind == KernelKind::Product)
            m_start.push_back({0, -1, 1, 0.1});
    }

    ReachedShares m_overall;
    std::vector<SearchedValue> m_start;
};

/// Shares of each kind, and what a step takes beforehand.
Calibration fitKinds(const Points& points, const ReachedShares& overall)
{
    const KindValues values(points, overall);
    return values.at(compassSearch(values.start(), [&](const std::vector<double>& tried) {
        const Calibration calibration = values.at(tried);
        return squaredLogRatios(points, [&](const CalibrationPoint& point) { return calibration.seconds(point); });
    }));
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
    static constexpr std::array<std::string_view, kKernelKinds> kNames {
        "product", "attention", "norm", "rotation", "elementwise", "cache_write", "gather"};
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
    if (operation.cacheWriteBytes > 0)
        return KernelKind::CacheWrite;
    const bool isGather = operation.vectorFlops == 0 || operation.name == "embed";
    return isGather ? KernelKind::Gather : KernelKind::Elementwise;
}

double CeilingTimes::ideal() const
{
    return std::max(matrix + vector, memory);
}

double CeilingTimes::seconds(const ReachedShares& shares, bool usesCurve) const
{
    if (usesCurve && curve > 0)
        return curve * shares.curve; // launches were measured along
    return std::max(matrix / shares.matrix + vector / shares.vector, passes * memory / shares.memory) +
           launches * shares.launchSeconds;
}

double Calibration::seconds(const CalibrationPoint& point) const
{
    return secondsOf(point, true, [this](KernelKind kind) -> const ReachedShares& { return of(kind); }) +
           (point.isEntry ? stepSeconds : 0);
}

core::Result<Calibration> calibrate(const std::vector<CalibrationPoint>& points)
{
    PSC_TRY(checkPoints(points));
    const ReachedShares overall = fitOverall(points);
    Calibration result = fitKinds(points, overall);
    result.overall = overall;
    result.ideal = errorOf(points, [&](std::size_t i) {
        double sum = 0;
        for (const CeilingTimes& operation : points[i].operations)
            sum += operation.ideal();
        return sum;
    });
    result.overallError = errorOf(
        points, [&](std::size_t i) { return secondsOf(points[i], false, [&](KernelKind) { return result.overall; }); });
    result.error = errorOf(points, [&](std::size_t i) { return result.seconds(points[i]); });
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
        const Calibration fitted = others.empty() ? calibration : fitKinds(others, calibration.overall);
        for (std::size_t i = 0; i < points.size(); ++i) {
            if (points[i].step == step)
                seconds[i] = fitted.seconds(points[i]);
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
            {"step_seconds", stepSeconds},
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
    PSC_ASSIGN(result.stepSeconds, fields.required<double>("step_seconds"));
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
