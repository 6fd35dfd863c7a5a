// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/counter_report.h"

#include "app/command_line/input.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/step_text.h"
#include "core/table/table_text.h"
#include "roofline/hardware/hardware_json.h"
#include "roofline/measured/counters.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace paretoscope::app {

namespace {

using core::Json;
using roofline::CountedRange;
using roofline::Counters;
using roofline::HardwareSpec;
using roofline::MemoryLevel;

std::optional<double> reachedShare(const CountedRange& range, const HardwareSpec* hardware)
{
    return hardware ? roofline::shareOfRoof(range, *hardware) : std::nullopt;
}

Json levelsJson(const CountedRange& range)
{
    Json levels = Json::array();
    for (std::size_t i = 0; i < roofline::kMemoryLevels; ++i) {
        const std::optional<double>& bytes = range.bytes[i];
        if (!bytes)
            continue;
        levels.push_back({{"level", std::string(roofline::memoryLevelName(static_cast<MemoryLevel>(i)))},
                          {"bytes", *bytes},
                          {"bytes_per_second", *bytes / range.seconds},
                          {"arithmetic_intensity", *bytes > 0 ? Json(range.flops() / *bytes) : Json(nullptr)}});
    }
    return levels;
}

Json document(const Counters& counters, const RooflineRequest& request, const HardwareSpec* hardware)
{
    Json ranges = Json::array();
    for (const CountedRange& range : counters.ranges) {
        const std::optional<double> reached = reachedShare(range, hardware);
        ranges.push_back({{"range", range.name},
                          {"kernels", range.kernels},
                          {"seconds", range.seconds},
                          {"vector_flops", range.vectorFlops},
                          {"tensor_flops", range.tensorFlops},
                          {"flops_per_second", range.flops() / range.seconds},
                          {"share_of_roof", reached ? Json(*reached) : Json(nullptr)},
                          {"levels", levelsJson(range)}});
    }
    return {{"schema", "paretoscope.roofline-counters/1"},
            {"file", std::filesystem::path(request.counters).filename().string()},
            {"hardware", hardware ? hardwareJson(*hardware) : Json(nullptr)},
            {"tensor_flops_per_instruction", counters.isFromInstructions ? Json(request.tensorFlops) : Json(nullptr)},
            {"ranges", std::move(ranges)}};
}

std::string intensityText(const CountedRange& range, MemoryLevel level)
{
    const std::optional<double>& bytes = range.bytes[static_cast<std::size_t>(level)];
    return bytes && *bytes > 0 ? significant(range.flops() / *bytes, 3) : "-";
}

TextTable tableOf(const Counters& counters, const HardwareSpec* hardware)
{
    TextTable table({{"range", false, true},
                     {"kernels", true, false, true},
                     {"time", true},
                     {"share", true},
                     {"FLOP", true, false, true},
                     {"FLOP/s", true},
                     {"FLOP/byte", true},
                     {"of L2", true, false, true},
                     {"of L1", true, false, true},
                     {"of the roof", true}});
    double all = 0;
    for (const CountedRange& range : counters.ranges)
        all += range.seconds;
    for (const CountedRange& range : counters.ranges) {
        const std::optional<double> reached = reachedShare(range, hardware);
        table.addRow({printable(range.name), std::to_string(range.kernels), shortTime(range.seconds),
                      significant(100 * range.seconds / all, 3) + " %", scaled(range.flops(), "FLOP"),
                      scaled(range.flops() / range.seconds, "FLOP/s"), intensityText(range, MemoryLevel::Main),
                      intensityText(range, MemoryLevel::L2), intensityText(range, MemoryLevel::L1),
                      reached ? significant(100 * *reached, 3) + " %" : "-"});
    }
    return table;
}

} // namespace

Outcome reportCounters(const RooflineRequest& request, const HardwareSpec* hardware, Session& session)
{
    PSC_ASSIGN(const std::string text, readFileOrInput(request.counters, session.input));
    PSC_ASSIGN(
        const Counters counters,
        roofline::readCounters(text, std::filesystem::path(request.counters).filename().string(), request.tensorFlops));
    Console& console = session.console;
    if (session.common.json) {
        console.document(document(counters, request, hardware));
        return ExitStatus::Done;
    }
    const TextTable table = tableOf(counters, hardware);
    if (request.csv) {
        console.write(core::asCsv(table.rows()));
        return ExitStatus::Done;
    }
    console.write(table.text(console.outStream()));
    if (counters.isFromInstructions)
        console.line("\nFLOPs of tensor units: instructions times " + std::to_string(request.tensorFlops) +
                     " (--tensor-flops; it differs between generations)");
    return ExitStatus::Done;
}

} // namespace paretoscope::app
