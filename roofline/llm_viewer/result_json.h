// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/llm_viewer/analysis.h"

namespace paretoscope::roofline::llm_viewer {

// LLM-Viewer's own keys.
core::Json toJson(const Operation& operation);
core::Json toJson(const Totals& totals);
/// {decode: {operation: {…}}, prefill: {…}, total_results: {decode, prefill}}
core::Json toJson(const Analysis& analysis);
/// lv-2407 tells only inference_time.
core::Json toJson(const Generation& generation, Profile profile);

} // namespace paretoscope::roofline::llm_viewer
