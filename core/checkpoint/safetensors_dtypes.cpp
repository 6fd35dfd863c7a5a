// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_dtypes.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

constexpr std::array<SafetensorsDtype, 22> kDtypes {{
    {"BOOL", 8, ElementType::Bool, 0},
    {"F4", 4, ElementType::F4E2M1, 1},
    {"F6_E2M3", 6, std::nullopt, 2},
    {"F6_E3M2", 6, std::nullopt, 3},
    {"U8", 8, ElementType::U8, 4},
    {"I8", 8, ElementType::I8, 5},
    {"F8_E5M2", 8, ElementType::F8E5M2, 6},
    {"F8_E4M3", 8, ElementType::F8E4M3, 7},
    {"F8_E8M0", 8, ElementType::F8E8M0, 8},
    {"F8_E4M3FNUZ", 8, ElementType::F8E4M3Fnuz, 9},
    {"F8_E5M2FNUZ", 8, ElementType::F8E5M2Fnuz, 10},
    {"I16", 16, ElementType::I16, 11},
    {"U16", 16, ElementType::U16, 12},
    {"F16", 16, ElementType::F16, 13},
    {"BF16", 16, ElementType::BF16, 14},
    {"I32", 32, ElementType::I32, 15},
    {"U32", 32, ElementType::U32, 16},
    {"F32", 32, ElementType::F32, 17},
    {"C64", 64, ElementType::C64, 18},
    {"F64", 64, ElementType::F64, 19},
    {"I64", 64, ElementType::I64, 20},
    {"U64", 64, ElementType::U64, 21},
}};

} // namespace

const SafetensorsDtype* safetensorsDtype(std::string_view name)
{
    const auto found = std::ranges::find(kDtypes, name, &SafetensorsDtype::name);
    return found == kDtypes.end() ? nullptr : &*found;
}

const SafetensorsDtype* safetensorsDtype(ElementType type)
{
    const auto found = std::ranges::find(kDtypes, std::optional(type), &SafetensorsDtype::type);
    return found == kDtypes.end() ? nullptr : &*found;
}

} // namespace paretoscope::core
