// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/step_prediction.h"

#include <algorithm>

namespace paretoscope::roofline {

namespace {

/// The step that one micro-batch makes.
Step microBatch(const Step& step, int microBatches)
{
    Step part = step;
    for (SequenceGroup& group : part.groups)
        group.sequences = std::max(1.0, group.sequences / microBatches);
    part.logitRows = step.logitRows / microBatches;
    return part;
}

/// Stages work on micro-batches one behind the other: the pipeline fills and empties once.
core::Result<double> pipelineSeconds(const ModelShape& model, const Execution& execution, const Step& part,
                                     const Ceilings& ceilings, double passSeconds)
{
    const Parallelism& parallel = execution.parallel;
    if (parallel.pipeline == 1)
        return passSeconds * parallel.microBatches;
    const double bytes = part.tokens() * model.hidden * execution.streamBytes();
    const Operation transfer {
        .name = "pipeline_send", .collective = Collective::PointToPoint, .devices = 2, .messageBytes = bytes};
    PSC_TRY(ceilings.requireRatesFor(transfer));
    const double stages = parallel.pipeline;
    return (parallel.microBatches + stages - 1) * passSeconds / stages +
           (stages - 1) * ceilings.collectiveSeconds(transfer.collective, transfer.devices, bytes);
}

} // namespace

Bound StepPrediction::bound() const
{
    const auto most = std::max_element(boundSeconds.begin(), boundSeconds.end());
    return static_cast<Bound>(most - boundSeconds.begin());
}

double StepPrediction::boundShare(Bound which) const
{
    return layerSeconds > 0 ? boundSeconds[static_cast<std::size_t>(which)] / layerSeconds : 0;
}

CacheGeometry geometryOf(const HardwareSpec& hardware)
{
    return {hardware.l2Bytes, hardware.processors};
}

core::Result<StepPrediction> predictStep(const ModelShape& model, const Execution& execution, const Step& step,
                                         const Ceilings& ceilings, const CacheGeometry& geometry)
{
    const int microBatches = execution.parallel.microBatches;
    const bool isWhole = microBatches == 1;
    const Step part = isWhole ? Step {} : microBatch(step, microBatches);
    PSC_ASSIGN(StepOperations operations, stepOperations(model, execution, isWhole ? step : part, geometry));
    PSC_ASSIGN(StepPrediction prediction, predictOperations(std::move(operations), ceilings));
    PSC_ASSIGN(prediction.seconds,
               pipelineSeconds(model, execution, isWhole ? step : part, ceilings, prediction.layerSeconds));
    return prediction;
}

core::Result<StepPrediction> predictOperations(StepOperations operations, const Ceilings& ceilings)
{
    StepPrediction prediction;
    prediction.operations = std::move(operations);
    prediction.timings.reserve(prediction.operations.sections.size());
    for (const Section& section : prediction.operations.sections) {
        std::vector<Timing>& timings = prediction.timings.emplace_back();
        timings.reserve(section.operations.size());
        for (const Operation& operation : section.operations) {
            PSC_TRY(ceilings.requireRatesFor(operation));
            const Timing timing = ceilings.timeOf(operation);
            prediction.layerSeconds += section.count * timing.total;
            prediction.boundSeconds[static_cast<std::size_t>(timing.bound)] += section.count * timing.total;
            prediction.flops += section.count * operation.flops();
            prediction.bytes += section.count * operation.bytes();
            timings.push_back(timing);
        }
    }
    prediction.seconds = prediction.layerSeconds;
    return prediction;
}

} // namespace paretoscope::roofline
