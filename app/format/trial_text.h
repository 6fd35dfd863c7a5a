// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/project/records.h"

#include <string>
#include <string_view>

namespace paretoscope::app {

/// A trial for reading: pipeline, metrics, layers that differ most, provenance, error.
std::string trialText(const core::TrialRecord& trial, const Stream& stream);
/// "name        value" with the name in a column of its own; a value of several lines is indented under itself.
std::string labelled(std::string_view name, std::string_view value);

} // namespace paretoscope::app
