// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_spec.h"
#include "roofline/llm_viewer/analysis.h"

namespace paretoscope::roofline::llm_viewer {

/// @param family empty: by the model_type of `config`. Errors: Unsupported (LLM-Viewer has no such family); those of
/// readModel.
core::Result<Model> modelFrom(const core::Json& config, std::string_view family = {});

/// Errors: Unsupported, "… has no FP16 peak".
core::Result<Hardware> hardwareFrom(const HardwareSpec& device);

} // namespace paretoscope::roofline::llm_viewer
