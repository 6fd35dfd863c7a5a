// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"

#include <optional>
#include <string_view>

namespace paretoscope::core {

/// An element type as safetensors headers spell it.
struct SafetensorsDtype
{
    std::string_view name;           ///< e.g. "BF16"
    int bits = 8;                    ///< of one element
    std::optional<ElementType> type; ///< absent: the format has it, but it is not read here
    int rank =
        0; ///< position in the format's own order, by alignment; files are laid out from the highest to the lowest
};

/// nullptr for a name that the format does not have.
const SafetensorsDtype* safetensorsDtype(std::string_view name);
/// nullptr for types that safetensors cannot hold (those of GGUF blocks).
const SafetensorsDtype* safetensorsDtype(ElementType type);

} // namespace paretoscope::core
