// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"

#include <span>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A weight matrix that stages may compress.
struct WeightModule
{
    std::string module;    ///< "model.layers.3.mlp.down_proj"
    bool byDefault = true; ///< taken when the user names no modules: linears inside the blocks, but no routers
};

/// Those of all blocks, in the order of the forward pass; the units of the engine's model, known without it.
std::vector<WeightModule> weightModules(const Architecture& architecture);

/// The modules that the parameters `include` and `exclude` (lists of patterns on the path) select, by index, rising.
/// Patterns are globs (`*` any text, `?` one character) or, with the prefix "re:", regular expressions that must match
/// the whole path. Without `include` those that are taken by default are selected. Errors: InvalidArgument (a pattern
/// that matches no module, a bad expression, nothing left; names examples).
Result<std::vector<std::size_t>> selectModules(std::span<const WeightModule> modules, const Json& parameters);

} // namespace paretoscope::core
