// SPDX-License-Identifier: GPL-3.0-or-later
#include "roofline/measured/calibrated_prediction.h"
#include "views/roofline/analysis_modes.h"
#include "views/roofline/step_analysis.h"

namespace paretoscope::views {

namespace {

using roofline::Derivation;

core::Result<roofline::GenerationPrediction> predict(const RooflineCase& wanted)
{
    if (wanted.setting.stage == RooflineStage::Chat)
        return core::Error {core::ErrorCode::Unsupported,
                            "a calibrated prediction is that of a prefill or a decode step",
                            "choose the stage Prefill or Decode"};
    return roofline::predictCalibrated(*wanted.machine, wanted.model->shape.value(), requestOf(wanted.setting));
}

/// A prediction at hand, whose machine so has a model.
core::Result<StepContext> contextOf(const RooflineCase& wanted)
{
    const roofline::Efficiency efficiency = roofline::Efficiency::ideal();
    PSC_ASSIGN(roofline::Ceilings ceilings, roofline::Ceilings::of(wanted.device, efficiency));
    return StepContext {wanted.model->shape.value(), wanted.device,
                        roofline::engineExecution(wanted.machine->model->execution), efficiency, std::move(ceilings)};
}

void explainTime(AnalysedOperation& operation, const std::string& machine)
{
    for (Derivation& each : operation.derivations) {
        if (each.quantity != "time")
            continue;
        each.formula = "max(matrix/m + vector/v, memory/b) + launches·t, or c times its measured product, with the "
                       "shares that kernels of its kind reach on " +
                       machine;
        each.inputs.clear();
    }
}

std::vector<Derivation> resultsOf(const roofline::GenerationPrediction& prediction, const StepContext& context,
                                  const RooflineSetting& setting)
{
    std::vector<Derivation> results = roofline::derivationsOf(prediction, requestOf(setting));
    appendStep(results, shownStep(prediction, setting), context);
    return results;
}

} // namespace

core::Result<RooflineAnalysis> analyseCalibrated(const RooflineCase& wanted)
{
    const RooflineSetting& setting = wanted.setting;
    PSC_ASSIGN(const roofline::GenerationPrediction prediction, predict(wanted));
    PSC_ASSIGN(const StepContext context, contextOf(wanted));
    const roofline::StepPrediction& shown = shownStep(prediction, setting);
    RooflineAnalysis analysis;
    analysis.operations = operationsOf(shown, context, stepOf(setting), true);
    for (AnalysedOperation& operation : analysis.operations)
        explainTime(operation, wanted.machine->name);
    analysis.roofs = usedRoofs(shown, context, setting);
    analysis.times = {barOf("prefill", prediction.prefill), barOf("decode", prediction.decode)};
    analysis.passSeconds = shown.seconds;
    analysis.memory = prediction.memory;
    analysis.capacityBytes = wanted.device.memoryBytes.value_or(0);
    analysis.results = resultsOf(prediction, context, setting);
    analysis.explanation = roofline::explainCalibrated(shown);
    takeShares(analysis);
    return analysis;
}

core::Result<std::vector<Derivation>> calibratedResults(const RooflineCase& wanted)
{
    PSC_ASSIGN(const roofline::GenerationPrediction prediction, predict(wanted));
    PSC_ASSIGN(const StepContext context, contextOf(wanted));
    return resultsOf(prediction, context, wanted.setting);
}

} // namespace paretoscope::views
