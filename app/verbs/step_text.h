// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/format/table.h"
#include "roofline/prediction/explanation.h"

namespace paretoscope::app {

/// One pass: sums, shares of its bounds, why it is not faster, and every operation of every section.
core::Json stepJson(const roofline::StepPrediction& step, const roofline::Explanation& explanation,
                    const roofline::HardwareSpec& hardware);
/// Operation, FLOPs, bytes, bound, time and share of the pass.
TextTable operationTable(const roofline::StepPrediction& step);
/// One row per operation in full precision.
std::string stepCsv(const roofline::StepPrediction& step);

std::string scaled(double value, const char* unit); ///< "13.48 GB"
std::string shortTime(double seconds);              ///< "10.87 ms"

} // namespace paretoscope::app
