// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/paired_measurement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace paretoscope::core {

namespace {

/// A list of numbers in the details; nothing when it is not there or holds something else (a stranger's file).
template <typename Number>
std::optional<std::vector<Number>> listIn(const MetricRecord& record, std::string_view key)
{
    if (!record.details.is_object())
        return std::nullopt;
    const auto found = record.details.find(key);
    if (found == record.details.end() || !found->is_array() || found->empty())
        return std::nullopt;
    std::vector<Number> list;
    for (const Json& value : *found) {
        if (!value.is_number())
            return std::nullopt;
        list.push_back(value.get<Number>());
    }
    return list;
}

/// Where a metric's details hold one number per unit, and the size of the units where they differ.
struct Units
{
    std::string_view metric;
    std::string_view values;
    std::string_view weights; ///< empty, or absent from the details: units count equally
    PairedMeasurement::Scale scale = PairedMeasurement::Scale::Difference;
    bool valuesAreMeans = true; ///< else they are sums over the weight
};

using Scale = PairedMeasurement::Scale;

constexpr std::array kUnits {
    Units {"perplexity", "windows", "window_tokens", Scale::LogRatio},
    Units {"target_perplexity", "items_nll", "", Scale::LogRatio},
    Units {"bits_per_byte", "unit_bits", "unit_bytes", Scale::Difference, false},
    Units {"kl_divergence", "windows", "window_tokens"},
    Units {"top1_agreement", "windows", "window_tokens"},
    Units {"greedy_match", "prompts", ""},
};

std::optional<PairedMeasurement> compareUnits(const Units& units, const MetricRecord& baseline,
                                              const MetricRecord& measurement)
{
    auto before = listIn<double>(baseline, units.values);
    auto after = listIn<double>(measurement, units.values);
    if (!before || !after || before->size() != after->size())
        return std::nullopt;
    PairedMeasurement paired {units.scale, {}, static_cast<std::int64_t>(before->size()), {}, {}};
    const auto weights = units.weights.empty() ? std::nullopt : listIn<double>(measurement, units.weights);
    if (!weights) {
        paired.change = pairedDifference(*before, *after);
        return paired;
    }
    if (weights != listIn<double>(baseline, units.weights) || weights->size() != before->size())
        return std::nullopt;
    for (std::size_t i = 0; units.valuesAreMeans && i < weights->size(); ++i) {
        (*before)[i] *= (*weights)[i];
        (*after)[i] *= (*weights)[i];
    }
    paired.change = pairedRatioDifference(*before, *after, *weights);
    return paired;
}

std::optional<PairedMeasurement> compareItems(const MetricRecord& baseline, const MetricRecord& measurement)
{
    const auto before = listIn<int>(baseline, "correct");
    const auto after = listIn<int>(measurement, "correct");
    if (!before || !after || before->size() != after->size())
        return std::nullopt;
    PairedMeasurement paired;
    paired.items = mcNemar(*before, *after);
    paired.change = paired.items->difference;
    paired.n = paired.items->items;
    const auto chosenBefore = listIn<int>(baseline, "chosen");
    const auto chosenAfter = listIn<int>(measurement, "chosen");
    if (chosenBefore && chosenAfter && chosenBefore->size() == before->size() &&
        chosenAfter->size() == before->size()) {
        paired.changedChoices = 0;
        for (std::size_t i = 0; i < before->size(); ++i)
            *paired.changedChoices += (*chosenBefore)[i] != (*chosenAfter)[i] ? 1 : 0;
    }
    return paired;
}

} // namespace

bool PairedMeasurement::isWithin(double factor) const
{
    return change.standardError && std::fabs(change.value) <= factor * *change.standardError;
}

std::optional<PairedMeasurement> compareMeasurements(const MetricRecord& baseline, const MetricRecord& measurement)
{
    if (baseline.name != measurement.name || baseline.protocol != measurement.protocol)
        return std::nullopt;
    if (measurement.name == "acc" || measurement.name == "acc_norm")
        return compareItems(baseline, measurement);
    const auto units = std::find_if(kUnits.begin(), kUnits.end(),
                                    [&](const Units& known) { return known.metric == measurement.name; });
    return units == kUnits.end() ? std::nullopt : compareUnits(*units, baseline, measurement);
}

std::optional<PairedMeasurement> compareWith(const TrialRecord& other, const MetricRecord& measurement)
{
    const auto found = std::find_if(other.metrics.begin(), other.metrics.end(), [&](const MetricRecord& metric) {
        return metric.name == measurement.name && metric.protocol == measurement.protocol;
    });
    return found == other.metrics.end() ? std::nullopt : compareMeasurements(*found, measurement);
}

Json toJson(const PairedMeasurement& paired)
{
    const auto orNull = [](const std::optional<double>& value) {
        return value && std::isfinite(*value) ? Json(*value) : Json();
    };
    Json json {{"scale", paired.scale == Scale::LogRatio ? "log_ratio" : "difference"},
               {"change", orNull(paired.change.value)},
               {"standard_error", orNull(paired.change.standardError)},
               {"n", paired.n}};
    if (paired.scale == Scale::LogRatio)
        json["ratio"] = orNull(std::exp(paired.change.value));
    if (paired.items) {
        json["right_to_wrong"] = paired.items->onlyFirst;
        json["wrong_to_right"] = paired.items->onlySecond;
        json["mcnemar_p"] = paired.items->probability;
    }
    if (paired.changedChoices)
        json["changed_choices"] = *paired.changedChoices;
    return json;
}

} // namespace paretoscope::core
