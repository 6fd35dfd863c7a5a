// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/format/table.h"
#include "core/project/records.h"

#include <string>
#include <string_view>

namespace paretoscope::app {

/// A trial for reading: pipeline, metrics, layers with the largest error, provenance, error. With another trial (the
/// baseline, mostly) each metric that pairs with its own says how far it is from it, unit by unit.
std::string trialText(const core::TrialRecord& trial, const Stream& stream, const core::TrialRecord* other = nullptr);
/// Its metrics alone.
TextTable metricsTable(const core::TrialRecord& trial, const core::TrialRecord* other = nullptr);
/// "name        value" with the name in a column of its own; wrapped under itself where a terminal has `width` columns.
std::string labelled(std::string_view name, std::string_view value, int width = 0);

} // namespace paretoscope::app
