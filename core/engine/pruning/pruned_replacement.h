// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/stage.h"

namespace paretoscope::engine {

/// Replaces the weight by `value` where `mask` keeps it (and an earlier stage kept it, too), in the element type of the
/// checkpoint, and records its density.
/// @param value [out, in]; @param mask bool [out, in], true: kept
void replacePruned(StageTask& task, const Unit& unit, const at::Tensor& value, const at::Tensor& mask);

} // namespace paretoscope::engine
