// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/model/layer_table.h"
#include "roofline/operations/step_operations.h"

namespace paretoscope::roofline {

/// One pass of `samples` samples. The result refers to the names of the table. Errors: InvalidArgument (samples, a
/// value of the execution).
core::Result<StepOperations> tableOperations(const LayerTable& table, const Execution& execution, double samples);

/// Bytes of all weights and tables as they are stored.
double tableWeightBytes(const LayerTable& table, const Execution& execution);

} // namespace paretoscope::roofline
