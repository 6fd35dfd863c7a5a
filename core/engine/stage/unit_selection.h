// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/unit.h"

#include <cstddef>
#include <vector>

namespace paretoscope::engine {

/// The units that the parameters `include` and `exclude` select; patterns and errors are those of core::selectModules.
core::Result<std::vector<std::size_t>> selectUnits(const ModelView& model, const core::Json& parameters);

} // namespace paretoscope::engine
