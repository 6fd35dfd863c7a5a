// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/records.h"

namespace paretoscope::app {

/// A trial as `list --json` gives it.
core::Json trialJson(const core::TrialRecord& trial);
/// Everything the project knows of a trial, as `show --json` gives it.
/// With a baseline also `baseline` (its id) and `against_baseline` (per metric that pairs with it); with another trial
/// `other` (its id) and `against_other`.
core::Json trialDetailJson(const core::TrialRecord& trial, const core::TrialRecord* baseline = nullptr,
                           const core::TrialRecord* other = nullptr);
/// {"perplexity": 23.4, ...}; a metric measured under a second protocol is "perplexity@<protocol id>".
core::Json metricValuesJson(const core::TrialRecord& trial);
/// The same keys with standard error, unit, protocol and conditions.
core::Json metricsJson(const core::TrialRecord& trial);
/// {"code","message","hint"}.
core::Json errorJson(const core::Error& error);

} // namespace paretoscope::app
