// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/measured_text.h"

#include "app/format/number.h"
#include "app/format/text.h"
#include "app/format/trial_text.h"
#include "app/verbs/step_text.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::app {

namespace {

using core::Json;
using roofline::FitError;
using roofline::LayerPoint;
using roofline::MachineProfile;
using roofline::MeasuredPoints;
using roofline::MeasuredRate;
using roofline::MeasuredStep;
using roofline::StepPoint;

std::string percent(double share)
{
    return significant(100 * share, 3) + " %";
}

std::string signedPercent(double predicted, double measured)
{
    const double change = predicted / measured - 1;
    return (change < 0 ? "-" : "+") + percent(std::fabs(change));
}

std::string rateText(const MeasuredRate& rate, double value)
{
    return scaled(value, rate.unit == "call" ? "/s" : (rate.unit + "/s").c_str());
}

Json partJson(const LayerPoint& point, const MeasuredStep& step)
{
    return {{"phase", step.isPrefill ? "prefill" : "decode"},
            {"batch", step.batch},
            {"tokens", step.tokens},
            {"part", point.part},
            {"operations", point.operations},
            {"layers", point.count},
            {"flops", point.flops},
            {"bytes", point.bytes},
            {"bound", std::string(roofline::boundName(point.bound))},
            {"arithmetic_intensity", point.bytes > 0 ? Json(point.flops / point.bytes) : Json(nullptr)},
            {"flops_per_second", point.flops / point.measuredSeconds},
            {"measured_seconds", point.measuredSeconds},
            {"ideal_seconds", point.idealSeconds},
            {"one_set_seconds", point.overallSeconds},
            {"calibrated_seconds", point.calibratedSeconds},
            {"left_out_seconds", point.leftOutSeconds}};
}

std::string ceilingTable(const MachineProfile& profile, const Stream& stream)
{
    TextTable table({{"ceiling"},
                     {"threads", true},
                     {"median", true},
                     {"best", true, false, true},
                     {"varies by", true},
                     {"again", true},
                     {"", false, false, true}});
    for (const MeasuredRate& rate : profile.rates)
        table.addRow({rate.name, std::to_string(rate.threads), rateText(rate, rate.rate()),
                      rateText(rate, rate.bestRate()), percent(rate.seconds.variation),
                      signedPercent(rate.seconds.median, rate.again), rate.seconds.isNoisy() ? "noisy" : ""});
    return table.text(stream);
}

std::string stepTable(const MachineProfile& profile, const MeasuredPoints& points, const Stream& stream)
{
    TextTable table({{"step", false, true},
                     {"measured", true},
                     {"calibrated", true},
                     {"off by", true},
                     {"at the ceilings", true},
                     {"parts within 20 %", true}});
    for (const StepPoint& step : points.steps) {
        int parts = 0;
        int near = 0;
        for (const LayerPoint& part : points.parts) {
            if (part.step != step.step)
                continue;
            ++parts;
            near += std::fabs(part.calibratedSeconds / part.measuredSeconds - 1) <= 0.2 ? 1 : 0;
        }
        table.addRow({profile.model->steps[step.step].title(), shortTime(step.measuredSeconds),
                      shortTime(step.calibratedSeconds), signedPercent(step.calibratedSeconds, step.measuredSeconds),
                      shortTime(step.idealSeconds), std::to_string(near) + " of " + std::to_string(parts)});
    }
    return table.text(stream);
}

/// The measured roofline: intensity, FLOP/s, and what of the lower roof they are.
std::string intensityTable(const MachineProfile& profile, const Stream& stream)
{
    const std::vector<roofline::IntensityPoint> points = profile.intensities();
    if (points.empty())
        return {};
    TextTable table({{"FLOP/byte", true}, {"reached", true}, {"of the roof", true}});
    const double peak = profile.float32Rate(profile.threads);
    for (const roofline::IntensityPoint& point : points) {
        const double roof = std::min(peak, point.intensity * profile.bandwidth(profile.threads));
        table.addRow({significant(point.intensity, 3), scaled(point.flopsPerSecond, "FLOP/s"),
                      percent(point.flopsPerSecond / roof)});
    }
    return "\n" + table.text(stream) + "\n" +
           labelled("knee", significant(*profile.knee(), 3) + " FLOP/byte; the ridge of the ceilings is " +
                                significant(peak / profile.bandwidth(profile.threads), 3));
}

std::string errorText(const FitError& error)
{
    return percent(error.meanRelative) + " on average, " + percent(error.within20Percent) + " of the parts within 20 %";
}

std::string title(const MachineProfile& profile)
{
    return profile.name + ": " + printable(profile.deviceName) + ", " + counted(profile.threads, "thread") +
           (profile.isQuick ? ", measured quickly" : "") + "\n\n";
}

Json kneeJson(const MachineProfile& profile)
{
    Json points = Json::array();
    for (const roofline::IntensityPoint& point : profile.intensities())
        points.push_back({{"arithmetic_intensity", point.intensity}, {"flops_per_second", point.flopsPerSecond}});
    const std::optional<double> knee = profile.knee();
    return {{"arithmetic_intensity", knee ? Json(*knee) : Json(nullptr)}, {"points", std::move(points)}};
}

} // namespace

Json measurementJson(const MachineProfile& profile, const MeasuredPoints& points,
                     const std::vector<std::string>& remarks)
{
    Json parts = Json::array();
    for (const LayerPoint& point : points.parts)
        parts.push_back(partJson(point, profile.model->steps[point.step]));
    Json steps = Json::array();
    for (const StepPoint& point : points.steps) {
        const MeasuredStep& step = profile.model->steps[point.step];
        steps.push_back({{"phase", step.isPrefill ? "prefill" : "decode"},
                         {"batch", step.batch},
                         {"tokens", step.tokens},
                         {"measured_seconds", point.measuredSeconds},
                         {"ideal_seconds", point.idealSeconds},
                         {"calibrated_seconds", point.calibratedSeconds}});
    }
    return {{"schema", "paretoscope.roofline-measure/1"},
            {"profile", profile.json()},
            {"parts", std::move(parts)},
            {"steps", std::move(steps)},
            {"knee", kneeJson(profile)},
            {"remarks", remarks}};
}

std::string measurementText(const MachineProfile& profile, const MeasuredPoints& points, const Stream& stream)
{
    std::string text = title(profile) + ceilingTable(profile, stream) + intensityTable(profile, stream);
    if (!profile.calibration)
        return text + "\nwithout a model nothing is calibrated: paretoscope roofline MODEL --measure\n";
    text += "\n" + profile.model->name + ", float32\n\n" + stepTable(profile, points, stream) + "\n";
    const roofline::Calibration& calibration = *profile.calibration;
    text += labelled("at ceilings", errorText(calibration.ideal));
    text += labelled("one set", errorText(calibration.overallError));
    text += labelled("calibrated", errorText(calibration.error));
    text += labelled("left out", errorText(calibration.leftOut));
    return text;
}

} // namespace paretoscope::app
