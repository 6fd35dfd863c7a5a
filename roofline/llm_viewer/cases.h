// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

namespace paretoscope::roofline::llm_viewer {

/// Computes every record of a document {format: "paretoscope-roofline-parity/1", records: […]} and returns the same
/// document with `results` computed here; a record that cannot be computed has `expected_error`, the reason, in their
/// place. A record is {id, profile, kind: analyze | generate | ui_graph, model {family, config}, hardware {bandwidth,
/// FP16, INT8?, onchip_buffer}, settings}; SI units.
/// Errors: Corrupt (the document has another form; names record and field).
core::Result<core::Json> computeCases(const core::Json& document);

} // namespace paretoscope::roofline::llm_viewer
