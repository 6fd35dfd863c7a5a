// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/unit.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

namespace paretoscope::engine {

/// Whether every weight meets the stages of a pipeline in an order that makes sense (StageRole), by what their patterns
/// select. Errors: InvalidArgument (names the first weight, says why and what to do); those of selectUnits.
core::Status checkOrder(const core::Pipeline& pipeline, const core::PluginCatalogue& plugins, const ModelView& model);

} // namespace paretoscope::engine
