// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"
#include "core/engine/aten.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace paretoscope::engine {

/// The element types that parts of a weight may have, as files and as tensors call them.
inline constexpr std::array<std::pair<core::ElementType, at::ScalarType>, 6> kPartTypes {{
    {core::ElementType::F32, at::kFloat},
    {core::ElementType::F16, at::kHalf},
    {core::ElementType::BF16, at::kBFloat16},
    {core::ElementType::I32, at::kInt},
    {core::ElementType::I64, at::kLong},
    {core::ElementType::U8, at::kByte},
}};

/// Nothing for a type that is none of them.
inline std::optional<core::ElementType> elementTypeOf(at::ScalarType wanted)
{
    const auto* found =
        std::find_if(kPartTypes.begin(), kPartTypes.end(), [&](const auto& type) { return type.second == wanted; });
    return found == kPartTypes.end() ? std::nullopt : std::optional(found->first);
}

inline std::optional<at::ScalarType> scalarTypeOf(core::ElementType wanted)
{
    const auto* found =
        std::find_if(kPartTypes.begin(), kPartTypes.end(), [&](const auto& type) { return type.first == wanted; });
    return found == kPartTypes.end() ? std::nullopt : std::optional(found->second);
}

} // namespace paretoscope::engine
