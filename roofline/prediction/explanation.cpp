// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/explanation.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace paretoscope::roofline {

namespace {

/// A change that is not seen in the time is none.
constexpr double kLeastGain = 1e-6;

struct Candidate
{
    std::string name;
    Execution execution = {};
    HardwareSpec hardware = {};
    Efficiency efficiency = {};
};

std::vector<Candidate> candidates(const Execution& execution, const HardwareSpec& hardware,
                                  const Efficiency& efficiency)
{
    std::vector<Candidate> list;
    const auto add = [&](std::string name) -> Candidate& {
        list.push_back({std::move(name), execution, hardware, efficiency});
        return list.back();
    };
    add("twice the memory bandwidth").hardware.bandwidthBytesPerSecond *= 2;
    Candidate& faster = add("twice the compute rate");
    for (std::optional<double>& peak : faster.hardware.peaks) {
        if (peak)
            *peak *= 2;
    }
    if (execution.weights.bits > 8)
        add("weights in 8 bits").execution.weights = plainWeightFormat(8);
    if (execution.weights.bits > 4)
        add("weights in 4 bits").execution.weights = plainWeightFormat(4);
    if (execution.activations.bits > 8) {
        Candidate& integer = add("weights and activations in 8 bits");
        integer.execution.weights = plainWeightFormat(8);
        integer.execution.activations = {.bits = 8, .codes = CodeKind::Integer};
    }
    if (execution.kv.bits > 8)
        add("a key/value cache in 8 bits").execution.kv.bits = 8;
    if (efficiency.launchSeconds > 0)
        add("no launch overhead").efficiency.launchSeconds = 0;
    if (execution.attention == AttentionKernel::Eager)
        add("fused attention").execution.attention = AttentionKernel::Flash;
    add("fused kernels").execution.fusion = {
        .qkv = true, .gateUp = true, .addNorm = true, .activation = true, .rotaryStore = true, .permutation = true};
    return list;
}

std::string timeText(double seconds)
{
    const std::array<std::pair<double, const char*>, 3> units {{{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}}};
    const auto unit = std::find_if(units.begin(), units.end() - 1, [&](const auto& u) { return seconds >= u.first; });
    std::array<char, 32> text {};
    std::snprintf(text.data(), text.size(), "%.4g %s", seconds / unit->first, unit->second);
    return text.data();
}

std::string percentText(double share)
{
    std::array<char, 16> text {};
    std::snprintf(text.data(), text.size(), "%.0f %%", 100 * share);
    return text.data();
}

/// The name whose operations take the most time, over all layers.
std::pair<std::string_view, double> longest(const StepPrediction& prediction)
{
    std::map<std::string_view, double> seconds;
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const Section& section = prediction.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i)
            seconds[section.operations[i].name] += section.count * prediction.timings[s][i].total;
    }
    const auto most = std::max_element(seconds.begin(), seconds.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return *most;
}

} // namespace

std::string Explanation::sentence(double seconds) const
{
    std::string text = percentText(share) + " of the time is bound by " + std::string(boundName(bound)) + "; " +
                       std::string(operation) + " takes " + percentText(operationShare);
    if (!isTried)
        return text + ".";
    if (changes.empty())
        return text + "; none of the usual changes would help.";
    return text + "; what would help most: " + changes.front().name + " (" + timeText(seconds) + " -> " +
           timeText(changes.front().seconds) + ").";
}

core::Result<Explanation> explain(const ModelShape& model, const Execution& execution, const Step& step,
                                  const HardwareSpec& hardware, const Efficiency& efficiency,
                                  const StepPrediction& prediction)
{
    const PredictAgain again = [&](const Execution& otherExecution, const HardwareSpec& otherHardware,
                                   const Efficiency& otherEfficiency) -> core::Result<StepPrediction> {
        PSC_ASSIGN(const Ceilings ceilings, Ceilings::of(otherHardware, otherEfficiency));
        return predictStep(model, otherExecution, step, ceilings, geometryOf(otherHardware));
    };
    return explain(again, execution, hardware, efficiency, prediction);
}

core::Result<Explanation> explain(const PredictAgain& again, const Execution& execution, const HardwareSpec& hardware,
                                  const Efficiency& efficiency, const StepPrediction& prediction)
{
    Explanation result {.bound = prediction.bound(), .share = prediction.boundShare(prediction.bound())};
    const auto [name, seconds] = longest(prediction);
    result.operation = name;
    result.operationShare = seconds / prediction.layerSeconds;
    for (const Candidate& candidate : candidates(execution, hardware, efficiency)) {
        PSC_ASSIGN(const StepPrediction changed, again(candidate.execution, candidate.hardware, candidate.efficiency));
        if (changed.seconds < prediction.seconds * (1 - kLeastGain))
            result.changes.push_back({candidate.name, changed.seconds});
    }
    std::stable_sort(result.changes.begin(), result.changes.end(),
                     [](const Change& a, const Change& b) { return a.seconds < b.seconds; });
    return result;
}

} // namespace paretoscope::roofline
