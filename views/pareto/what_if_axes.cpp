// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/what_if_axes.h"

#include "views/format/text.h"

namespace paretoscope::views {

std::optional<double> WhatIfAxes::value(const core::TrialId& trial, std::string_view quantity) const
{
    const roofline::PredictedQuantity* predicted = roofline::predictedQuantity(quantity);
    const auto row = snapshot->rows.find(trial);
    if (!predicted || row == snapshot->rows.end())
        return std::nullopt;
    const std::optional<roofline::TrialPrediction>& prediction = predictions[std::size_t(row->second)];
    return prediction ? predicted->valueIn(*prediction) : std::nullopt;
}

void predictAxes(QPromise<WhatIfAxesPtr>& promise, const SnapshotPtr& snapshot, const WhatIfSourcePtr& source,
                 const roofline::WhatIf& whatIf)
{
    auto axes = std::make_shared<WhatIfAxes>();
    axes->snapshot = snapshot;
    axes->id = whatIf.id();
    roofline::TrialPredictor predictor(snapshot->workloads, source->families);
    for (const core::TrialRecord& trial : snapshot->trials) {
        if (promise.isCanceled())
            return;
        std::optional<roofline::TrialPrediction>& prediction = axes->predictions.emplace_back();
        if (trial.status != core::TrialStatus::Done)
            continue;
        core::Result<roofline::TrialPrediction> predicted = predictor.predict(trial, whatIf);
        if (predicted.ok())
            prediction = std::move(predicted).value();
        else if (axes->missing++ == 0)
            axes->reason = toQString(predicted.error().sentence());
    }
    promise.addResult(axes);
}

} // namespace paretoscope::views
