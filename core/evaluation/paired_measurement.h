// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/project/records.h"
#include "core/statistics/paired.h"

#include <optional>

namespace paretoscope::core {

/// A measurement against one of another result (often the baseline) under the same protocol, unit by unit (specs
/// evaluation 8).
struct PairedMeasurement
{
    enum class Scale
    {
        Difference, ///< of the values
        LogRatio    ///< ln(value / baseline's value): of perplexities, whose logarithm is a mean
    };

    Scale scale = Scale::Difference;
    Estimate change;    ///< measurement minus baseline, on that scale
    std::int64_t n = 0; ///< paired units
    /// Of accuracies: who was right where, and how many items got another choice in either direction.
    std::optional<McNemar> items;
    std::optional<std::int64_t> changedChoices;

    /// Whether the change is not more than `factor` standard errors; false without a standard error.
    bool isWithin(double factor) const;
};

/// Nothing when the two cannot be paired: other names or protocols, other units (another corpus cut), or records that
/// do not hold their units.
std::optional<PairedMeasurement> compareMeasurements(const MetricRecord& baseline, const MetricRecord& measurement);

/// The same with the measurement of that name and protocol of another trial; nothing when it has none.
std::optional<PairedMeasurement> compareWith(const TrialRecord& other, const MetricRecord& measurement);

/// {"scale": "difference", "change", "standard_error", "n", and of accuracies "right_to_wrong", "wrong_to_right",
/// "changed_choices", "mcnemar_p"}; of a log ratio also "ratio".
Json toJson(const PairedMeasurement& paired);

} // namespace paretoscope::core
