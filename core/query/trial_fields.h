// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paretoscope::core {

/// A number or a text; what is true or false is the text "true" or "false".
using FieldValue = std::variant<double, std::string>;

/// Everything a trial has under a name that people use in filters and as columns:
///   id, pipeline, workload, family (of the model: "llama"), sweep, status, seed, seconds, attempts, started, finished,
///   stages (their number), plugin (alias and id of each stage), tag,
///   a metric ("perplexity"), or one protocol of it ("perplexity@/512/": any part of the protocol id),
///   what stands beside its value ("perplexity.standard_error", ".n", ".protocol"),
///   a parameter of any stage ("bits"), or of one plugin ("gptq.bits").
/// Several values when several stages have the parameter; empty when the trial has nothing of that name.
std::vector<FieldValue> fieldValues(const TrialRecord& trial, std::string_view name);

/// A value and the measurement it comes from; null for a parameter or a field of the trial itself.
struct FieldReading
{
    FieldValue value;
    const MetricRecord* metric = nullptr;
};
std::vector<FieldReading> fieldReadings(const TrialRecord& trial, std::string_view name);

/// The names for which at least one of the trials can have a value, without "metric@protocol"; sorted.
std::vector<std::string> fieldNames(std::span<const TrialRecord> trials);

} // namespace paretoscope::core
