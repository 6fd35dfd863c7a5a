// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/layer_points.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <numeric>

namespace paretoscope::roofline {

namespace {

constexpr double kRoofTolerance = 1.05;
constexpr double kRepeatTolerance = 0.05;
constexpr double kWatchTolerance = 0.02;

/// A layer point with its operations at the ceilings.
struct MadePoint
{
    LayerPoint point;
    std::vector<CeilingTimes> times = {};
    bool isEntry = false;
    double computeSeconds = 0;
    double memorySeconds = 0;

    void add(const Operation& operation, const CeilingTimes& ceiling)
    {
        point.operations.emplace_back(operation.name);
        point.flops += operation.flops();
        point.bytes += operation.bytes();
        point.idealSeconds += ceiling.ideal();
        times.push_back(ceiling);
        computeSeconds += ceiling.matrix + ceiling.vector;
        memorySeconds += ceiling.memory;
        point.bound = computeSeconds >= memorySeconds ? Bound::Compute : Bound::Memory;
    }
};

/// Seconds of each part of equal layers: the mean over them, in the order of the pass.
core::Result<std::vector<MeasuredPart>> meanParts(const MeasuredStep& step, const std::vector<int>& layers)
{
    std::vector<MeasuredPart> parts;
    for (const int layer : layers) {
        if (static_cast<std::size_t>(layer) >= step.blocks.size())
            return core::Error {core::ErrorCode::Corrupt, step.title() + " has no layer " + std::to_string(layer),
                                "measure again"};
        for (const MeasuredPart& part : step.blocks[static_cast<std::size_t>(layer)]) {
            const auto known = std::find_if(parts.begin(), parts.end(),
                                            [&](const MeasuredPart& other) { return other.first == part.first; });
            const double share = part.second / static_cast<double>(layers.size());
            if (known == parts.end())
                parts.emplace_back(part.first, share);
            else
                known->second += share;
        }
    }
    return parts;
}

/// Deals the operations of a layer among the parts: each belongs to the last part whose first operation came before it.
std::vector<MadePoint> layerPoints(const EngineSection& section, const std::vector<MeasuredPart>& parts)
{
    std::vector<MadePoint> points;
    for (std::size_t i = 0; i < section.operations.size(); ++i) {
        const Operation& operation = section.operations[i];
        const auto part = std::find_if(parts.begin(), parts.end(),
                                       [&](const MeasuredPart& other) { return other.first == operation.name; });
        if (part != parts.end()) {
            points.emplace_back().point.part = part->first;
            points.back().point.count = section.count;
            points.back().point.measuredSeconds = part->second;
        }
        if (!points.empty())
            points.back().add(operation, section.times[i]);
    }
    // What no operation is named after counts to the part before it.
    std::size_t last = 0;
    for (const MeasuredPart& part : parts) {
        const auto named = std::find_if(points.begin(), points.end(),
                                        [&](const MadePoint& point) { return point.point.part == part.first; });
        if (named != points.end())
            last = static_cast<std::size_t>(named - points.begin());
        else if (!points.empty())
            points[last].point.measuredSeconds += part.second;
    }
    return points;
}

MadePoint wholeSection(const EngineSection& section, double seconds)
{
    MadePoint made;
    made.isEntry = section.name == "entry";
    made.point.part = section.operations.front().name;
    made.point.measuredSeconds = seconds;
    for (std::size_t i = 0; i < section.operations.size(); ++i)
        made.add(section.operations[i], section.times[i]);
    return made;
}

core::Result<std::vector<MadePoint>> pointsOf(const MeasuredStep& step, const EngineStep& predicted)
{
    std::vector<MadePoint> points;
    for (const EngineSection& section : predicted.sections) {
        if (section.name != "layer") {
            points.push_back(wholeSection(section, section.name == "head" ? step.headSeconds : step.entrySeconds));
            continue;
        }
        PSC_ASSIGN(const std::vector<MeasuredPart> parts, meanParts(step, section.layers));
        std::vector<MadePoint> made = layerPoints(section, parts);
        std::move(made.begin(), made.end(), std::back_inserter(points));
    }
    return points;
}

/// What a layer takes beside its parts: the median over the steps.
double sectionSeconds(const MachineProfile& profile, const std::vector<MadePoint>& points, double layers)
{
    std::vector<double> rest;
    for (std::size_t step = 0; step < profile.model->steps.size(); ++step) {
        double parts = 0;
        for (const MadePoint& made : points)
            parts += made.point.step == step ? made.point.count * made.point.measuredSeconds : 0;
        rest.push_back(std::max(0.0, profile.model->steps[step].seconds.median - parts) / std::max(1.0, layers));
    }
    return core::repeatedOf(std::move(rest)).median;
}

double sumOf(const std::vector<CeilingTimes>& times, const std::function<double(const CeilingTimes&)>& seconds)
{
    return std::accumulate(times.begin(), times.end(), 0.0,
                           [&](double sum, const CeilingTimes& operation) { return sum + seconds(operation); });
}

std::string timesText(double ratio)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.2f times", ratio);
    return text;
}

std::string percentText(double share)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
    return text;
}

} // namespace

core::Result<MeasuredPoints> calibrateProfile(MachineProfile& profile, const std::filesystem::path& families)
{
    const MeasuredModel& model = *profile.model;
    PSC_ASSIGN(const ModelShape shape, readModelShape(model.config, families));
    std::vector<EngineStep> predicted;
    std::vector<MadePoint> made;
    for (const MeasuredStep& step : model.steps) {
        PSC_ASSIGN(EngineStep ceilings,
                   engineStep(profile, shape, model.execution, step.isPrefill, step.batch, step.tokens));
        PSC_ASSIGN(std::vector<MadePoint> points, pointsOf(step, ceilings));
        for (MadePoint& point : points) {
            point.point.step = predicted.size();
            if (point.point.measuredSeconds > 0)
                made.push_back(std::move(point));
        }
        predicted.push_back(std::move(ceilings));
    }
    std::vector<CalibrationPoint> points;
    for (const MadePoint& point : made)
        points.push_back({.step = point.point.step,
                          .isEntry = point.isEntry,
                          .operations = point.times,
                          .measured = point.point.measuredSeconds});
    PSC_ASSIGN(Calibration calibration, calibrate(points));
    calibration.sectionSeconds = sectionSeconds(profile, made, predicted.front().layers());
    const std::vector<double> leftOut = leftOutSeconds(points, calibration);
    calibration.leftOut = fitError(points, leftOut);

    MeasuredPoints result;
    for (std::size_t i = 0; i < made.size(); ++i) {
        LayerPoint point = std::move(made[i].point);
        point.overallSeconds =
            sumOf(made[i].times, [&](const CeilingTimes& times) { return times.seconds(calibration.overall, false); });
        point.calibratedSeconds = calibration.seconds(points[i]);
        point.leftOutSeconds = leftOut[i];
        result.parts.push_back(std::move(point));
    }
    for (std::size_t step = 0; step < predicted.size(); ++step)
        result.steps.push_back({.step = step,
                                .idealSeconds = predicted[step].idealSeconds(),
                                .calibratedSeconds = predicted[step].seconds(calibration),
                                .measuredSeconds = model.steps[step].seconds.median});
    profile.calibration = calibration;
    return result;
}

std::vector<std::string> remarksOn(const MachineProfile& profile, const MeasuredPoints& points)
{
    std::vector<std::string> remarks;
    for (const LayerPoint& point : points.parts) {
        if (point.idealSeconds > kRoofTolerance * point.measuredSeconds)
            remarks.push_back(profile.model->steps[point.step].title() + ": " + point.part + " was " +
                              timesText(point.idealSeconds / point.measuredSeconds) +
                              " as fast as the ceilings allow: its bytes are counted too high, or the ceilings were "
                              "measured on a busy machine");
    }
    for (const StepPoint& point : points.steps) {
        if (point.idealSeconds > point.measuredSeconds)
            remarks.push_back(profile.model->steps[point.step].title() + " was " +
                              timesText(point.idealSeconds / point.measuredSeconds) + " as fast as the ceilings allow");
    }
    for (const MeasuredRate& rate : profile.rates) {
        const std::string name =
            rate.name + " (" + std::to_string(rate.threads) + (rate.threads == 1 ? " thread" : " threads") + ")";
        if (rate.change() > kRepeatTolerance)
            remarks.push_back(name + " differed by " + percentText(rate.change()) + " when it was measured again");
        if (rate.seconds.isNoisy())
            remarks.push_back(name + " varies by " + percentText(rate.seconds.variation));
    }
    if (profile.model) {
        for (const MeasuredStep& step : profile.model->steps) {
            if (step.repeatChange > kRepeatTolerance)
                remarks.push_back(step.title() + " differed by " + percentText(step.repeatChange) +
                                  " between the first and the second half of its repetitions");
            const double slower = step.watchedSeconds.median / step.seconds.median - 1;
            if (slower > kWatchTolerance)
                remarks.push_back(step.title() + " was " + percentText(slower) + " slower while its parts were timed");
        }
    }
    return remarks;
}

} // namespace paretoscope::roofline
