// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/llm_viewer/analysis.h"
#include "roofline/prediction/derivation.h"

namespace paretoscope::roofline::llm_viewer {

/// How LLM-Viewer computes the numbers of an operation. @param peak max_OPS of the whole network
std::vector<Derivation> derivationsOf(const Operation& operation, const Hardware& hardware, double peak,
                                      bool isPrefill);

} // namespace paretoscope::roofline::llm_viewer
