// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/llm_viewer/analysis.h"

#include <string>

namespace paretoscope::roofline::llm_viewer {

std::string numberText(double number); ///< as LLM-Viewer's str_number: "13.8G", "1000.0", "0.50"
std::string timeText(double seconds);  ///< as its str_number_time, with the unit: "43.7us"

/// The rows LLM-Viewer's command line appends to its CSV file of one stage: a line that names model, hardware and
/// setting, the column names, one line per operation.
std::string csvText(const Stage& stage, std::string_view model, std::string_view hardware, const Setting& setting);

} // namespace paretoscope::roofline::llm_viewer
