// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/unit.h"

#include <cstddef>
#include <vector>

namespace paretoscope::engine {

/// The units that the parameters `include` and `exclude` (lists of patterns on the module path) select. Patterns are
/// globs (`*` any text, `?` one character) or, with the prefix "re:", regular expressions that must match the whole
/// path. Without `include` all linear units inside the blocks are selected, but no routers. Errors: InvalidArgument (a
/// pattern that matches no unit, a bad expression, nothing left; names examples).
core::Result<std::vector<std::size_t>> selectUnits(const ModelView& model, const core::Json& parameters);

} // namespace paretoscope::engine
