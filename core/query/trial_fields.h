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
///   id, pipeline, workload, sweep, status, seed, seconds, attempts, started, finished, stages (their number),
///   plugin (alias and id of each stage), tag,
///   a metric ("perplexity"), or one protocol of it ("perplexity@/512/": any part of the protocol id),
///   a parameter of any stage ("bits"), or of one plugin ("gptq.bits").
/// Several values when several stages have the parameter; empty when the trial has nothing of that name.
std::vector<FieldValue> fieldValues(const TrialRecord& trial, std::string_view name);

/// The names for which at least one of the trials can have a value, without "metric@protocol"; sorted.
std::vector<std::string> fieldNames(std::span<const TrialRecord> trials);

} // namespace paretoscope::core
