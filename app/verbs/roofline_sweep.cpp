// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/roofline_sweep.h"

#include "app/format/number.h"
#include "app/format/trial_text.h"
#include "app/verbs/prediction_report.h"
#include "app/verbs/step_text.h"
#include "core/base/near_miss.h"
#include "core/base/optional_json.h"
#include "core/table/table_text.h"
#include "roofline/hardware/hardware_json.h"

#include <array>
#include <charconv>
#include <cmath>

namespace paretoscope::app {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;

struct AxisEntry
{
    std::string_view name;
    double least;
    double most;
    bool isWhole;
    void (*set)(double value, RooflineRequest& request, roofline::HardwareSpec& hardware);
};

constexpr std::array kAxes {
    AxisEntry {"batch", 1, 1 << 20, true,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.batch = int(value); }},
    AxisEntry {"prompt", 1, 1 << 28, true,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.prompt = int(value); }},
    AxisEntry {"generate", 1, 1 << 20, true,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.generate = int(value); }},
    AxisEntry {"weight-bits", 0.1, 64, false,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) {
                   request.weightBits = value;
                   request.weightFormat.clear();
               }},
    AxisEntry {"activation-bits", 1, 64, false,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.activationBits = value; }},
    AxisEntry {"kv-bits", 0.1, 64, false,
               [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.kvBits = value; }},
    AxisEntry {
        "tp", 1, 4096, true,
        [](double value, RooflineRequest& request, roofline::HardwareSpec&) { request.tensorParallel = int(value); }},
    AxisEntry {"bandwidth", 1e-3, 1e9, false,
               [](double value, RooflineRequest&, roofline::HardwareSpec& hardware) {
                   hardware.bandwidthBytesPerSecond = value * 1e9; // GB/s
               }},
};
constexpr std::size_t kMostValues = 4096;

const AxisEntry* axisNamed(std::string_view name)
{
    const auto found =
        std::find_if(kAxes.begin(), kAxes.end(), [&](const AxisEntry& axis) { return axis.name == name; });
    return found == kAxes.end() ? nullptr : &*found;
}

core::Result<double> readValue(const AxisEntry& axis, const std::string& text)
{
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool isNumber = problem == std::errc() && end == text.data() + text.size();
    if (!isNumber || !(value >= axis.least && value <= axis.most) || (axis.isWhole && std::floor(value) != value))
        return Error {ErrorCode::InvalidArgument, "\"" + text + "\" is no value of --sweep " + std::string(axis.name),
                      std::string("give ") + (axis.isWhole ? "whole numbers" : "numbers") + " from " +
                          significant(axis.least, 10) + " to " + significant(axis.most, 10)};
    return value;
}

/// One value, or every doubling "1..64" with its end.
core::Status appendValues(const AxisEntry& axis, const std::string& text, std::vector<double>& values)
{
    const std::size_t dots = text.find("..");
    PSC_ASSIGN(const double first, readValue(axis, text.substr(0, dots)));
    values.push_back(first);
    if (dots == std::string::npos)
        return core::success();
    PSC_ASSIGN(const double last, readValue(axis, text.substr(dots + 2)));
    if (last < first)
        return Error {ErrorCode::InvalidArgument, "\"" + text + "\" goes down", "write the lower value first"};
    for (double value = 2 * first; value < last; value *= 2)
        values.push_back(value);
    if (last > first)
        values.push_back(last);
    return core::success();
}

struct SweptPoint
{
    double value = 0;
    std::optional<roofline::GenerationPrediction> prediction = {};
    std::string refusal = {}; ///< without a prediction: one sentence
};

core::Result<roofline::GenerationPrediction> predictAt(const RooflineRequest& request, const NamedConfig& model,
                                                       const roofline::HardwareSpec& hardware,
                                                       const std::filesystem::path& families)
{
    PSC_ASSIGN(const RooflineInputs inputs, rooflineInputs(request, model, families));
    if (inputs.vision || inputs.shape.vocabulary == 0)
        return Error {ErrorCode::Unsupported, model.name + " is no language model, which --sweep predicts",
                      "with --images 0 it is the one that reads the images, where it has one"};
    PSC_ASSIGN(PredictedAnswer answer, predictAnswer(request, inputs, hardware));
    return std::move(answer.prediction);
}

Json pointJson(const SweptPoint& point, const RooflineRequest& request)
{
    if (!point.prediction)
        return {{"value", point.value}, {"error", point.refusal}};
    const roofline::GenerationPrediction& p = *point.prediction;
    return {{"value", point.value},
            {"time_to_first_token_seconds", p.timeToFirstToken},
            {"time_per_output_token_seconds", p.timePerOutputToken},
            {"total_seconds", p.totalSeconds},
            {"tokens_per_second", p.tokensPerSecond},
            {"prefill_bound", std::string(roofline::boundName(p.prefill.bound()))},
            {"decode_bound", std::string(roofline::boundName(p.decode.bound()))},
            {"memory_bytes", p.memory.total()},
            {"fits", core::orNull(p.fits)},
            {"joules_per_token", core::orNull(roofline::joulesPerToken(p, request.load()))}};
}

TextTable tableOf(const RooflineAxis& axis, const std::vector<SweptPoint>& points,
                  const std::vector<RooflineRequest>& requests)
{
    TextTable table({{axis.name, true},
                     {"first token", true},
                     {"per token", true},
                     {"tokens/s", true},
                     {"prefill bound", false, false, true},
                     {"decode bound", false, false, true},
                     {"memory", true},
                     {"", false, true},
                     {"J per token", true, false, true}});
    for (std::size_t i = 0; i < points.size(); ++i) {
        const SweptPoint& point = points[i];
        const std::string value = significant(point.value, 6);
        if (!point.prediction) {
            table.addRow({value, "-", "-", "-", "-", "-", "-", point.refusal, "-"});
            continue;
        }
        const roofline::GenerationPrediction& p = *point.prediction;
        const std::optional<double> joules = roofline::joulesPerToken(p, requests[i].load());
        table.addRow({value, shortTime(p.timeToFirstToken), shortTime(p.timePerOutputToken),
                      significant(p.tokensPerSecond), std::string(roofline::boundName(p.prefill.bound())),
                      std::string(roofline::boundName(p.decode.bound())), scaled(p.memory.total(), "B"),
                      p.fits ? (*p.fits ? "fits" : "does not fit") : "", joules ? significant(*joules) : "-"});
    }
    return table;
}

} // namespace

core::Result<RooflineAxis> RooflineAxis::read(const std::string& text)
{
    const std::size_t equals = text.find('=');
    RooflineAxis axis {.name = text.substr(0, equals)};
    const AxisEntry* entry = axisNamed(axis.name);
    std::vector<std::string> names;
    for (const AxisEntry& known : kAxes)
        names.emplace_back(known.name);
    if (!entry)
        return Error {ErrorCode::InvalidArgument, "--sweep knows no axis \"" + axis.name + "\"",
                      core::suggestion(axis.name, names)};
    if (equals == std::string::npos)
        return Error {ErrorCode::InvalidArgument, "--sweep " + axis.name + " has no values",
                      "write " + axis.name + "=1,2,4 or " + axis.name + "=1..64"};
    for (std::size_t begin = equals + 1; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        PSC_TRY(appendValues(*entry, text.substr(begin, end - begin), axis.values));
        begin = end + 1;
    }
    if (axis.values.size() > kMostValues)
        return Error {ErrorCode::InvalidArgument, "--sweep has " + std::to_string(axis.values.size()) + " values",
                      "give at most " + std::to_string(kMostValues)};
    return axis;
}

void RooflineAxis::apply(double value, RooflineRequest& request, roofline::HardwareSpec& hardware) const
{
    axisNamed(name)->set(value, request, hardware);
}

Outcome reportSweep(const RooflineRequest& request, const RooflineAxis& axis, const NamedConfig& model,
                    const roofline::HardwareSpec& hardware, Session& session)
{
    std::vector<SweptPoint> points;
    std::vector<RooflineRequest> requests;
    std::optional<Error> refused;
    for (const double value : axis.values) {
        RooflineRequest here = request;
        roofline::HardwareSpec device = hardware;
        axis.apply(value, here, device);
        SweptPoint& point = points.emplace_back(SweptPoint {.value = value});
        auto prediction = predictAt(here, model, device, session.installation.architectures());
        if (prediction.ok())
            point.prediction = std::move(prediction).value();
        else
            point.refusal = prediction.error().message;
        if (!prediction.ok() && !refused)
            refused = prediction.error();
        requests.push_back(std::move(here));
    }
    const bool isAllRefused = std::none_of(points.begin(), points.end(),
                                           [](const SweptPoint& point) { return point.prediction.has_value(); });
    if (isAllRefused)
        return *refused;
    Console& console = session.console;
    if (session.common.json) {
        Json swept = Json::array();
        for (std::size_t i = 0; i < points.size(); ++i)
            swept.push_back(pointJson(points[i], requests[i]));
        console.document({{"schema", "paretoscope.roofline-sweep/1"},
                          {"model", model.name},
                          {"hardware", hardwareJson(hardware)},
                          {"settings", settingsJson(request)},
                          {"axis", axis.name},
                          {"points", std::move(swept)}});
        return ExitStatus::Done;
    }
    const TextTable table = tableOf(axis, points, requests);
    console.write(request.csv ? core::asCsv(table.rows()) : table.text(console.outStream()));
    return ExitStatus::Done;
}

} // namespace paretoscope::app
