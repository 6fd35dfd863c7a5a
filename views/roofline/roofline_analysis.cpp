// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_analysis.h"

#include "core/base/installation.h"
#include "roofline/llm_viewer/inputs.h"
#include "roofline/model/named_config.h"
#include "views/roofline/analysis_modes.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::views {

core::Result<RooflineModel> readRooflineModel(const std::string& path)
{
    PSC_ASSIGN(roofline::NamedConfig named, roofline::readConfig(path));
    RooflineModel model {.name = named.name,
                         .shape = roofline::readModelShape(named.config, core::Installation::locate().architectures()),
                         .llmViewer = roofline::llm_viewer::modelFrom(named.config)};
    if (!model.shape.ok() && !model.llmViewer.ok())
        return model.shape.error();
    return model;
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

core::Result<RooflineAnalysis> analyseRoofline(const RooflineModel& model, const roofline::HardwareSpec& device,
                                               const RooflineSetting& setting)
{
    if (setting.isCompatible())
        return model.llmViewer.ok() ? analyseAsLlmViewer(model.llmViewer.value(), device, setting)
                                    : core::Result<RooflineAnalysis>(model.llmViewer.error());
    return model.shape.ok() ? analyseAccurately(model.shape.value(), device, setting)
                            : core::Result<RooflineAnalysis>(model.shape.error());
}

core::Result<std::vector<roofline::Derivation>>
rooflineResults(const RooflineModel& model, const roofline::HardwareSpec& device, const RooflineSetting& setting)
{
    using Results = core::Result<std::vector<roofline::Derivation>>;
    if (setting.isCompatible())
        return model.llmViewer.ok() ? llmViewerResults(model.llmViewer.value(), device, setting)
                                    : Results(model.llmViewer.error());
    return model.shape.ok() ? accurateResults(model.shape.value(), device, setting) : Results(model.shape.error());
}

roofline::Efficiency efficiencyOf(const RooflineSetting& setting)
{
    if (setting.isCompatible() || setting.efficiency == RooflineEfficiency::Ideal)
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
