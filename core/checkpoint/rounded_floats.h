// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

namespace paretoscope::core {

/// Rounds float32 values to F16 or BF16, to nearest even, and hands their bytes to `take` in pieces; F32 goes as it is.
/// Errors: Unsupported (another type; names the tensor); those of `take`.
Status forRoundedPieces(ElementType type, std::span<const float> values, std::string_view tensor,
                        const std::function<Status(std::span<const std::byte>)>& take);

} // namespace paretoscope::core
