// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/tensor_layouts.h"

#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// The tensors that a form of a weight consists of, under the names before which their parts stand: `name/part`.
using Components = std::vector<std::pair<std::string_view, const CompressedTensor*>>;

std::vector<StoredPart> storedPartsOf(const Components& components);
TensorParts partsOf(const Components& components);
/// Layout and description of each under its name.
core::Json descriptionOf(const Components& components);
/// One of them, from what partsOf() and descriptionOf() gave. Errors: Corrupt.
ReadTensor readComponent(std::string_view name, const core::Json& description, const TensorParts& parts,
                         const TensorLayouts& layouts);

} // namespace paretoscope::engine
