// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/element_type.h"

#include "core/base/assert.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

constexpr int kTypeCount = static_cast<int>(ElementType::Packed) + 1;

/// In the order of the enumerators.
constexpr std::array<ElementLayout, kTypeCount> kLayouts {{
    {"bool", 1, 1},    {"u8", 1, 1},          {"i8", 1, 1},          {"u16", 1, 2},      {"i16", 1, 2},
    {"u32", 1, 4},     {"i32", 1, 4},         {"u64", 1, 8},         {"i64", 1, 8},      {"f8_e4m3", 1, 1},
    {"f8_e5m2", 1, 1}, {"f8_e4m3fnuz", 1, 1}, {"f8_e5m2fnuz", 1, 1}, {"f8_e8m0", 1, 1},  {"f4_e2m1", 2, 1},
    {"f16", 1, 2},     {"bf16", 1, 2},        {"f32", 1, 4},         {"f64", 1, 8},      {"c64", 1, 8},
    {"q4_0", 32, 18},  {"q4_1", 32, 20},      {"q5_0", 32, 22},      {"q5_1", 32, 24},   {"q8_0", 32, 34},
    {"q2_k", 256, 84}, {"q3_k", 256, 110},    {"q4_k", 256, 144},    {"q5_k", 256, 176}, {"q6_k", 256, 210},
    {"mxfp4", 32, 17}, {"packed", 1, 1},
}};

} // namespace

const ElementLayout& layoutOf(ElementType type)
{
    const auto index = static_cast<std::size_t>(type);
    PSC_ASSERT(index < kLayouts.size(), "every element type has a layout");
    return kLayouts[index];
}

bool isReadableAsFloat32(ElementType type)
{
    return type >= ElementType::F8E4M3 && type != ElementType::C64 && type != ElementType::Packed;
}

Result<std::int64_t> elementCount(std::span<const std::int64_t> shape)
{
    const bool empty = std::ranges::find(shape, 0) != shape.end(); // 2^40 x 2^40 x 0 is no overflow
    std::int64_t count = empty ? 0 : 1;
    for (const std::int64_t dimension : shape) {
        if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count))
            return Error {ErrorCode::Corrupt, "the product of the dimensions is negative or exceeds 2^63 elements",
                          "the file is damaged; fetch it again"};
    }
    return count;
}

std::string shapeText(std::span<const std::int64_t> shape)
{
    std::string text = "[";
    for (const std::int64_t dimension : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
    return text + "]";
}

Result<Bytes> storedBytes(ElementType type, std::int64_t elements)
{
    const ElementLayout& layout = layoutOf(type);
    if (elements < 0 || elements % layout.blockElements != 0 || type == ElementType::Packed)
        return Error {ErrorCode::Corrupt,
                      std::to_string(elements) + " elements do not fill whole blocks of " +
                          std::to_string(layout.blockElements) + " (" + std::string(layout.name) + ")",
                      "the file is damaged; fetch it again"};
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(elements / layout.blockElements, std::int64_t(layout.blockBytes), &bytes))
        return Error {ErrorCode::Corrupt,
                      std::to_string(elements) + " elements of " + std::string(layout.name) + " exceed 2^63 bytes",
                      "the file is damaged; fetch it again"};
    return Bytes {bytes};
}

} // namespace paretoscope::core
