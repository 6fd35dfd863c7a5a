// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/format/table.h"
#include "core/project/records.h"

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::app {

/// The head of a column in tables: a shorter word where the name is long.
std::string titleOf(const std::string& column);

/// Hexadecimal digits that tell these trials apart; at least 8.
std::size_t distinctIdLength(std::span<const core::TrialRecord> trials);

/// The columns people want first: id, pipeline, status, the quality metrics that were measured, size, bits, time.
/// Workload and sweep are added where the trials differ in them.
std::vector<std::string> usualColumns(std::span<const core::TrialRecord> trials);

/// One cell for a person: a metric with its standard error, bytes with their unit, an id cut to `idLength`.
std::string cellText(const core::TrialRecord& trial, const std::string& column, std::size_t idLength);

/// The trials as a table. Those in `marked` (the front) carry a "*" and the colour for good.
TextTable trialTable(std::span<const core::TrialRecord> trials, const std::vector<std::string>& columns,
                     const std::set<core::TrialId>& marked = {});

} // namespace paretoscope::app
