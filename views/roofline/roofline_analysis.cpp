// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_analysis.h"

#include "core/base/installation.h"
#include "roofline/llm_viewer/inputs.h"
#include "roofline/model/named_config.h"
#include "views/roofline/analysis_modes.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::views {

bool RooflineModel::hasExperts() const
{
    if (!shape.ok())
        return false;
    const auto& runs = shape.value().runs;
    return std::any_of(runs.begin(), runs.end(), [](const roofline::LayerRun& run) {
        return std::any_of(run.shape.sublayers.begin(), run.shape.sublayers.end(), [](const auto& sublayer) {
            return std::holds_alternative<roofline::MoeShape>(sublayer.part);
        });
    });
}

core::Result<RooflineModel> rooflineModelOf(const std::string& name, const core::Json& config)
{
    RooflineModel model {.name = name,
                         .shape = roofline::readModelShape(config, core::Installation::locate().architectures()),
                         .llmViewer = roofline::llm_viewer::modelFrom(config)};
    if (!model.shape.ok() && !model.llmViewer.ok())
        return model.shape.error();
    return model;
}

core::Result<RooflineModel> readRooflineModel(const std::string& path)
{
    PSC_ASSIGN(const roofline::NamedConfig named, roofline::readConfig(path));
    return rooflineModelOf(named.name, named.config);
}

double TimeBar::total() const
{
    return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

const roofline::Derivation* RooflineAnalysis::result(std::string_view quantity) const
{
    const auto found = std::find_if(results.begin(), results.end(),
                                    [&](const roofline::Derivation& each) { return each.quantity == quantity; });
    return found == results.end() ? nullptr : &*found;
}

void takeShares(RooflineAnalysis& analysis)
{
    analysis.stageSeconds = 0;
    for (const AnalysedOperation& operation : analysis.operations)
        analysis.stageSeconds += operation.count * operation.seconds;
    for (AnalysedOperation& operation : analysis.operations)
        operation.share = analysis.stageSeconds > 0 ? operation.count * operation.seconds / analysis.stageSeconds : 0;
}

namespace {

/// What no mode can compute of a case.
core::Status checkCase(const RooflineCase& wanted)
{
    const RooflineModel& model = *wanted.model;
    if (wanted.setting.isCompatible()) {
        if (wanted.stored)
            return core::Error {core::ErrorCode::Unsupported,
                                "LLM-Viewer knows one width for all weights, not how a trial stores them",
                                "choose the accurate mode, or go back to the free what-if"};
        return model.llmViewer.ok() ? core::success() : core::Status(model.llmViewer.error());
    }
    if (!model.shape.ok())
        return model.shape.error();
    if (wanted.setting.mode == RooflineMode::Calibrated && !wanted.machine)
        return core::Error {core::ErrorCode::Unsupported, wanted.device.name + " was not measured by this program",
                            "choose a machine profile as the device, or the accurate mode; paretoscope roofline MODEL "
                            "--measure makes a profile"};
    return core::success();
}

} // namespace

core::Result<RooflineAnalysis> analyseRoofline(const RooflineCase& wanted)
{
    PSC_TRY(checkCase(wanted));
    if (wanted.setting.isCompatible())
        return analyseAsLlmViewer(wanted.model->llmViewer.value(), wanted.device, wanted.setting);
    return wanted.setting.mode == RooflineMode::Calibrated ? analyseCalibrated(wanted) : analyseAccurately(wanted);
}

core::Result<std::vector<roofline::Derivation>> rooflineResults(const RooflineCase& wanted)
{
    PSC_TRY(checkCase(wanted));
    if (wanted.setting.isCompatible())
        return llmViewerResults(wanted.model->llmViewer.value(), wanted.device, wanted.setting);
    return wanted.setting.mode == RooflineMode::Calibrated ? calibratedResults(wanted) : accurateResults(wanted);
}

roofline::Efficiency efficiencyOf(const RooflineSetting& setting)
{
    if (setting.mode != RooflineMode::Accurate || setting.efficiency == RooflineEfficiency::Ideal)
        return roofline::Efficiency::ideal();
    return setting.efficiency == RooflineEfficiency::Graphs ? roofline::Efficiency::graphs()
                                                            : roofline::Efficiency::realistic();
}

std::optional<Roof> roofOf(const roofline::HardwareSpec& device, roofline::NumberType type,
                           const RooflineSetting& setting)
{
    const std::optional<double>& peak = device.peak(type);
    if (!peak || !(device.bandwidthBytesPerSecond > 0))
        return std::nullopt;
    const roofline::Efficiency efficiency = efficiencyOf(setting);
    const bool isVector = type == roofline::NumberType::Fp32;
    return Roof {.device = device.name,
                 .type = std::string(roofline::numberTypeName(type)),
                 .peak = *peak * (isVector ? efficiency.vector : efficiency.matrix),
                 .bandwidth = device.bandwidthBytesPerSecond * efficiency.memory};
}

} // namespace paretoscope::views
