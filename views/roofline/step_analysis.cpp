// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/step_analysis.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

/// Rows and columns of a result on one device; nothing where they are not whole numbers.
std::array<double, 2> shapeOf(const roofline::Operation& operation, const StepContext& context, double tokens)
{
    if (operation.rows > 0 && operation.columns > 0)
        return {operation.rows, operation.columns};
    const double width = operation.resultBytes / context.execution.streamBytes() / tokens;
    return width >= 1 && width == std::floor(width) ? std::array {tokens, width} : std::array {0.0, 0.0};
}

AnalysedOperation analysed(const roofline::Section& section, const roofline::Operation& operation,
                           const roofline::Timing& timing, const StepContext& context, const roofline::Step& step,
                           std::size_t offset)
{
    const roofline::OperationNote* note = roofline::noteOf(operation.name);
    const bool isHead = section.name == "head" && context.model.vocabulary > 0;
    AnalysedOperation result {.section = std::string(section.name),
                              .firstLayer = section.firstLayer,
                              .count = section.count,
                              .name = std::string(operation.name),
                              .kind = note ? note->kind : roofline::OperationKind::Elementwise,
                              .flops = operation.flops(),
                              .weightBytes = operation.weightBytes,
                              .activationBytes = operation.activationInBytes + operation.activationOutBytes,
                              .cacheBytes = operation.cacheReadBytes + operation.cacheWriteBytes,
                              .seconds = timing.total,
                              .bound = timing.bound,
                              .peak = roofline::peakFor(operation, context.ceilings, context.device),
                              .bandwidth = context.device.bandwidthBytesPerSecond,
                              .shape = shapeOf(operation, context, isHead ? step.logitRows : step.tokens())};
    for (const std::int16_t input : operation.inputs) {
        if (input != roofline::Operation::kNone)
            result.inputs.push_back(input == roofline::Operation::kStream ? -1 : int(offset) + input);
    }
    return result;
}

} // namespace

roofline::Request requestOf(const RooflineSetting& setting)
{
    return {.batch = setting.batch, .prompt = setting.prompt, .generated = setting.generated};
}

roofline::Step stepOf(const RooflineSetting& setting)
{
    return setting.stage == RooflineStage::Prefill ? roofline::Step::prefill(setting.batch, setting.prompt)
                                                   : roofline::Step::decode(setting.batch, setting.prompt + 1);
}

const roofline::StepPrediction& shownStep(const roofline::GenerationPrediction& prediction,
                                          const RooflineSetting& setting)
{
    return setting.stage == RooflineStage::Prefill ? prediction.prefill : prediction.decode;
}

std::vector<AnalysedOperation> operationsOf(const roofline::StepPrediction& prediction, const StepContext& context,
                                            const roofline::Step& step, bool explained)
{
    std::vector<AnalysedOperation> list;
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const roofline::Section& section = prediction.operations.sections[s];
        const std::size_t offset = list.size();
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const roofline::Operation& operation = section.operations[i];
            const roofline::Timing& timing = prediction.timings[s][i];
            list.push_back(analysed(section, operation, timing, context, step, offset));
            if (explained)
                list.back().derivations = roofline::derivationsOf(operation, timing, context.ceilings, context.device);
        }
    }
    return list;
}

TimeBar barOf(const char* id, const roofline::StepPrediction& prediction)
{
    TimeBar bar {.id = id};
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const roofline::Section& section = prediction.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const roofline::OperationNote* note = roofline::noteOf(section.operations[i].name);
            const auto kind = note ? note->kind : roofline::OperationKind::Elementwise;
            bar.seconds[std::size_t(kind)] += section.count * prediction.timings[s][i].total;
        }
    }
    return bar;
}

std::vector<Roof> usedRoofs(const roofline::StepPrediction& prediction, const StepContext& context,
                            const RooflineSetting& setting)
{
    std::vector<Roof> roofs;
    const auto add = [&](std::optional<roofline::NumberType> type) {
        const std::optional<Roof> roof = type ? roofOf(context.device, *type, setting) : std::nullopt;
        if (roof && std::find(roofs.begin(), roofs.end(), *roof) == roofs.end())
            roofs.push_back(*roof);
    };
    bool isVector = false;
    for (const roofline::Section& section : prediction.operations.sections) {
        for (const roofline::Operation& operation : section.operations) {
            if (operation.matrixFlops > 0)
                add(context.ceilings.numberType(operation.matrixType));
            isVector = isVector || (operation.matrixFlops <= 0 && operation.vectorFlops > 0);
        }
    }
    if (isVector)
        add(roofline::NumberType::Fp32);
    return roofs;
}

void appendStep(std::vector<roofline::Derivation>& results, const roofline::StepPrediction& step,
                const StepContext& context)
{
    results.push_back({"flops", "sum over the operations of the stage", {}, step.flops, "FLOP"});
    results.push_back({"bytes", "sum over the operations of the stage", {}, step.bytes, "B"});
    if (step.bytes > 0)
        results.push_back({"intensity", "FLOPs / bytes",
                           roofline::plainNumber(step.flops) + " / " + roofline::plainNumber(step.bytes),
                           step.flops / step.bytes, "FLOP/B"});
    for (const roofline::Bound bound :
         {roofline::Bound::Memory, roofline::Bound::Compute, roofline::Bound::Launch, roofline::Bound::Communication}) {
        static constexpr std::array<std::string_view, 4> kNames {"compute_share", "memory_share", "launch_share",
                                                                 "communication_share"};
        results.push_back({kNames[std::size_t(bound)],
                           "time of the operations that it bounds / time of the stage",
                           {},
                           step.boundShare(bound),
                           {}});
    }
    if (step.layerSeconds > 0)
        results.push_back({"mbu",
                           "bytes / (time · bandwidth)",
                           roofline::plainNumber(step.bytes) + " / (" + roofline::plainNumber(step.layerSeconds) +
                               " · " + roofline::plainNumber(context.device.bandwidthBytesPerSecond) + ")",
                           step.bytes / step.layerSeconds / context.device.bandwidthBytesPerSecond,
                           {}});
}

} // namespace paretoscope::views
