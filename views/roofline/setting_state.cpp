// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/setting_state.h"

#include "roofline/model/weight_format.h"
#include "views/format/text.h"

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

QJsonObject toJson(const RooflineSetting& setting)
{
    return {{u"mode"_s, int(setting.mode)},
            {u"stage"_s, int(setting.stage)},
            {u"efficiency"_s, int(setting.efficiency)},
            {u"batch"_s, setting.batch},
            {u"prompt"_s, setting.prompt},
            {u"generated"_s, setting.generated},
            {u"weightBits"_s, setting.weightBits},
            {u"weightFormat"_s, toQString(setting.weightFormat)},
            {u"activationBits"_s, setting.activationBits},
            {u"kvBits"_s, setting.kvBits},
            {u"tensorParallel"_s, setting.tensorParallel},
            {u"pipelineParallel"_s, setting.pipelineParallel},
            {u"microBatches"_s, setting.microBatches},
            {u"expertParallel"_s, setting.expertParallel},
            {u"drafted"_s, setting.drafted},
            {u"acceptance"_s, setting.acceptance},
            {u"flash"_s, setting.flash}};
}

RooflineSetting settingFrom(const QJsonObject& state, RooflineSetting otherwise)
{
    RooflineSetting setting = std::move(otherwise);
    const auto number = [&](QLatin1String key, auto& target, double least, double most) {
        const double value = state[key].toDouble(double(target));
        if (value >= least && value <= most)
            target = std::decay_t<decltype(target)>(value);
    };
    const auto choice = [&](QLatin1String key, int last, auto& target) {
        const int value = state[key].toInt(int(target));
        if (value >= 0 && value <= last)
            target = std::decay_t<decltype(target)>(value);
    };
    choice("mode"_L1, int(RooflineMode::Calibrated), setting.mode);
    choice("stage"_L1, int(RooflineStage::Chat), setting.stage);
    choice("efficiency"_L1, int(RooflineEfficiency::Graphs), setting.efficiency);
    number("batch"_L1, setting.batch, 1, kMostBatch);
    number("prompt"_L1, setting.prompt, 1, kMostPrompt);
    number("generated"_L1, setting.generated, 1, kMostGenerated);
    number("weightBits"_L1, setting.weightBits, 1, 32);
    number("activationBits"_L1, setting.activationBits, 1, 32);
    number("kvBits"_L1, setting.kvBits, 1, 32);
    number("tensorParallel"_L1, setting.tensorParallel, 1, kMostTensorParallel);
    number("pipelineParallel"_L1, setting.pipelineParallel, 1, kMostTensorParallel);
    number("microBatches"_L1, setting.microBatches, 1, kMostTensorParallel);
    number("expertParallel"_L1, setting.expertParallel, 1, kMostTensorParallel);
    number("drafted"_L1, setting.drafted, 1, kMostDrafted);
    number("acceptance"_L1, setting.acceptance, 0, 100);
    const std::string format = state[u"weightFormat"_s].toString().toStdString();
    setting.weightFormat = roofline::namedWeightFormat(format).ok() ? format : std::string();
    setting.flash = state[u"flash"_s].toBool(setting.flash);
    return setting;
}

} // namespace paretoscope::views
