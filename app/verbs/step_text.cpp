// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/step_text.h"

#include "app/format/number.h"
#include "core/table/table_text.h"
#include "roofline/prediction/memory_levels.h"

#include <algorithm>

namespace paretoscope::app {

using roofline::Operation;
using roofline::Section;
using roofline::StepPrediction;
using roofline::Timing;

namespace {

/// Where the operation lies under the roof of each level of the memory.
core::Json levelsJson(const Operation& o, const Timing& timing, const roofline::HardwareSpec& hardware)
{
    core::Json levels = core::Json::array();
    const double compute = timing.matrix + timing.vector;
    if (compute <= 0)
        return levels;
    const double peak = o.flops() / compute;
    for (const roofline::LevelPoint& point : roofline::levelPoints(o.flops(), peak, roofline::levelBytes(o), hardware))
        levels.push_back({{"level", std::string(roofline::memoryLevelName(point.level))},
                          {"bytes", point.bytes},
                          {"arithmetic_intensity", point.intensity},
                          {"attainable_flops_per_second", point.attainable}});
    return levels;
}

core::Json operationJson(const Operation& o, const Timing& timing, const roofline::HardwareSpec& hardware)
{
    return {{"name", std::string(o.name)},
            {"matrix_flops", o.matrixFlops},
            {"vector_flops", o.vectorFlops},
            {"bytes", o.bytes()},
            {"weight_bytes", o.weightBytes},
            {"activation_read_bytes", o.activationInBytes},
            {"activation_write_bytes", o.activationOutBytes},
            {"cache_read_bytes", o.cacheReadBytes},
            {"cache_write_bytes", o.cacheWriteBytes},
            {"l2_bytes", std::max(o.l2Bytes, o.bytes())},
            {"arithmetic_intensity", o.bytes() > 0 ? core::Json(o.flops() / o.bytes()) : core::Json(nullptr)},
            {"seconds", timing.total},
            {"compute_seconds", timing.matrix + timing.vector},
            {"memory_seconds", timing.memory},
            {"launch_seconds", timing.launch},
            {"communication_seconds", timing.communication},
            {"bound", std::string(roofline::boundName(timing.bound))},
            {"levels", levelsJson(o, timing, hardware)}};
}

std::string layersText(const Section& section)
{
    if (section.firstLayer < 0)
        return std::string(section.name);
    return (section.count > 1 ? std::to_string(static_cast<int>(section.count)) + " layers" : "1 layer");
}

} // namespace

core::Json stepJson(const StepPrediction& step, const roofline::Explanation& explanation,
                    const roofline::HardwareSpec& hardware)
{
    core::Json sections = core::Json::array();
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        core::Json operations = core::Json::array();
        for (std::size_t i = 0; i < section.operations.size(); ++i)
            operations.push_back(operationJson(section.operations[i], step.timings[s][i], hardware));
        sections.push_back(
            {{"section", std::string(section.name)},
             {"first_layer", section.firstLayer < 0 ? core::Json(nullptr) : core::Json(section.firstLayer)},
             {"count", section.count},
             {"operations", operations}});
    }
    core::Json shares = core::Json::object();
    for (const auto bound :
         {roofline::Bound::Compute, roofline::Bound::Memory, roofline::Bound::Launch, roofline::Bound::Communication})
        shares[std::string(roofline::boundName(bound))] = step.boundShare(bound);
    core::Json changes = core::Json::array();
    for (const roofline::Change& change : explanation.changes)
        changes.push_back({{"change", change.name}, {"seconds", change.seconds}});
    return {{"seconds", step.seconds},
            {"flops", step.flops},
            {"bytes", step.bytes},
            {"bound_shares", shares},
            {"explanation", explanation.sentence(step.seconds)},
            {"changes", changes},
            {"sections", sections}};
}

std::string scaled(double value, const char* unit)
{
    static constexpr std::pair<double, const char*> kPrefixes[] {
        {1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (const auto& [size, prefix] : kPrefixes) {
        if (value >= size)
            return significant(value / size) + prefix + unit;
    }
    return significant(value) + " " + unit;
}

std::string shortTime(double seconds)
{
    static constexpr std::pair<double, const char*> kUnits[] {{1, " s"}, {1e-3, " ms"}, {1e-6, " us"}};
    for (const auto& [size, unit] : kUnits) {
        if (seconds >= size)
            return significant(seconds / size) + unit;
    }
    return significant(seconds / 1e-9) + " ns";
}

TextTable operationTable(const StepPrediction& step)
{
    TextTable table({{"where", false, false, true},
                     {"operation"},
                     {"FLOP", true, false, true},
                     {"bytes", true},
                     {"FLOP/byte", true, false, true},
                     {"bound"},
                     {"time", true},
                     {"share", true}});
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const Operation& o = section.operations[i];
            const Timing& timing = step.timings[s][i];
            const double share = section.count * timing.total / step.layerSeconds;
            table.addRow({layersText(section), std::string(o.name), scaled(o.flops(), "FLOP"), scaled(o.bytes(), "B"),
                          o.bytes() > 0 ? significant(o.flops() / o.bytes(), 3) : "-",
                          std::string(roofline::boundName(timing.bound)), shortTime(timing.total),
                          significant(100 * share, 3) + " %"});
        }
    }
    return table;
}

std::string stepCsv(const StepPrediction& step)
{
    const auto exact = [](double value) { return core::canonicalJson(core::Json(value)); };
    core::TextRows rows {{"section", "first_layer", "count", "operation", "matrix_flops", "vector_flops",
                          "weight_bytes", "activation_read_bytes", "activation_write_bytes", "cache_read_bytes",
                          "cache_write_bytes", "bound", "seconds"}};
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const Operation& o = section.operations[i];
            const Timing& timing = step.timings[s][i];
            rows.push_back({std::string(section.name), section.firstLayer < 0 ? "" : std::to_string(section.firstLayer),
                            exact(section.count), std::string(o.name), exact(o.matrixFlops), exact(o.vectorFlops),
                            exact(o.weightBytes), exact(o.activationInBytes), exact(o.activationOutBytes),
                            exact(o.cacheReadBytes), exact(o.cacheWriteBytes),
                            std::string(roofline::boundName(timing.bound)), exact(timing.total)});
        }
    }
    return core::asCsv(rows);
}

} // namespace paretoscope::app
