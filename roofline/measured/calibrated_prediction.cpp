// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/calibrated_prediction.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

Timing timingOf(const CeilingTimes& times, const Calibration& calibration)
{
    const ReachedShares& shares = calibration.of(times.kind);
    Timing timing;
    timing.matrix = times.matrix / shares.matrix;
    timing.vector = times.vector / shares.vector;
    timing.memory = times.passes * times.memory / shares.memory;
    timing.launch = times.curve > 0 ? 0 : times.launches * shares.launchSeconds;
    timing.total = calibration.seconds(times);
    const double compute = timing.matrix + timing.vector;
    timing.bound = compute >= timing.memory ? Bound::Compute : Bound::Memory;
    if (timing.launch > timing.total / 2)
        timing.bound = Bound::Launch;
    return timing;
}

StepPrediction predictionOf(const EngineStep& step, const Calibration& calibration)
{
    StepPrediction prediction;
    for (const EngineSection& section : step.sections) {
        prediction.operations.sections.push_back({.name = section.name,
                                                  .firstLayer = section.layers.empty() ? -1 : section.layers.front(),
                                                  .count = section.count,
                                                  .operations = section.operations});
        std::vector<Timing>& timings = prediction.timings.emplace_back();
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const Timing timing = timingOf(section.times[i], calibration);
            timings.push_back(timing);
            prediction.layerSeconds += section.count * timing.total;
            prediction.boundSeconds[static_cast<std::size_t>(timing.bound)] += section.count * timing.total;
            prediction.flops += section.count * section.operations[i].flops();
            prediction.bytes += section.count * section.operations[i].bytes();
        }
    }
    prediction.seconds = step.seconds(calibration);
    return prediction;
}

/// Mean of the decode steps with `first` to `last` visible tokens.
core::Result<double> meanDecode(const MachineProfile& machine, const ModelShape& model, double batch, double first,
                                double last)
{
    const int count = static_cast<int>(std::min(last - first + 1, double(kMostDecodeSteps)));
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        const double visible = count == 1 ? first : std::round(first + (last - first) * i / (count - 1));
        PSC_ASSIGN(const EngineStep step, engineStep(machine, model, machine.model->execution, false, batch, visible));
        sum += step.seconds(*machine.calibration);
    }
    return sum / count;
}

} // namespace

core::Result<GenerationPrediction> predictCalibrated(const MachineProfile& machine, const ModelShape& model,
                                                     const Request& request)
{
    if (!machine.model || !machine.calibration)
        return Error {ErrorCode::Unsupported, "the machine profile " + machine.name + " was measured without a model",
                      "measure again: paretoscope roofline MODEL --measure"};
    if (model.vocabulary == 0)
        return Error {ErrorCode::Unsupported, "calibrated predictions are those of language models",
                      "use --mode accurate"};
    const EngineExecution& execution = machine.model->execution;
    GenerationPrediction result;
    PSC_ASSIGN(const EngineStep prefill, engineStep(machine, model, execution, true, request.batch, request.prompt));
    PSC_ASSIGN(const EngineStep decode,
               engineStep(machine, model, execution, false, request.batch, request.prompt + 1));
    result.prefill = predictionOf(prefill, *machine.calibration);
    result.decode = predictionOf(decode, *machine.calibration);
    result.timeToFirstToken = result.prefill.seconds;
    const double steps = request.generated - 1;
    result.timePerOutputToken = result.decode.seconds;
    if (steps > 0) {
        PSC_ASSIGN(result.timePerOutputToken,
                   meanDecode(machine, model, request.batch, request.prompt + 1, request.prompt + steps));
    }
    result.totalSeconds = result.timeToFirstToken + steps * result.timePerOutputToken;
    result.tokensPerSecond = request.batch * request.generated / result.totalSeconds;
    PSC_ASSIGN(result.memory, memoryNeed(model, engineExecution(execution), request));
    if (machine.memoryBytes > 0)
        result.fits = result.memory.total() <= machine.memoryBytes;
    return result;
}

Explanation explainCalibrated(const StepPrediction& prediction)
{
    Explanation result {
        .bound = prediction.bound(), .share = prediction.boundShare(prediction.bound()), .isTried = false};
    double most = 0;
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const Section& section = prediction.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const double seconds = section.count * prediction.timings[s][i].total;
            if (seconds <= most)
                continue;
            most = seconds;
            result.operation = section.operations[i].name;
        }
    }
    result.operationShare = prediction.layerSeconds > 0 ? most / prediction.layerSeconds : 0;
    return result;
}

} // namespace paretoscope::roofline
