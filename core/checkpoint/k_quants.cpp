// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/k_quants.h"

#include "core/checkpoint/small_floats.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace paretoscope::core {

namespace {

std::uint8_t byteAt(const std::byte* bytes, int index)
{
    return std::to_integer<std::uint8_t>(bytes[index]);
}

float halfAt(const std::byte* bytes)
{
    std::uint16_t half;
    std::memcpy(&half, bytes, sizeof half);
    return halfToFloat(half);
}

struct ScaleAndMinimum
{
    int scale;
    int minimum;
};

/// The `j`-th of the eight 6-bit pairs that Q4_K and Q5_K pack into 12 bytes.
ScaleAndMinimum scaleAndMinimum(const std::byte* packed, int j)
{
    if (j < 4)
        return {byteAt(packed, j) & 63, byteAt(packed, j + 4) & 63};
    return {(byteAt(packed, j + 4) & 15) | ((byteAt(packed, j - 4) >> 6) << 4),
            (byteAt(packed, j + 4) >> 4) | ((byteAt(packed, j) >> 6) << 4)};
}

/// The sixteen 6-bit scales of Q3_K, offset by 32: low nibbles in the first 8 bytes, upper bit pairs in the last 4.
std::array<int, 16> q3Scales(const std::byte* packed)
{
    std::array<int, 16> scales {};
    for (int i = 0; i < 16; ++i) {
        const int low = i < 8 ? byteAt(packed, i) & 15 : byteAt(packed, i - 8) >> 4;
        const int high = (byteAt(packed, 8 + i % 4) >> (2 * (i / 4))) & 3;
        scales[static_cast<std::size_t>(i)] = (low | (high << 4)) - 32;
    }
    return scales;
}

} // namespace

void dequantizeQ2K(const std::byte* block, float* out)
{
    const std::byte* scales = block;
    const std::byte* codes = block + 16;
    const float scale = halfAt(block + 80);
    const float minimum = halfAt(block + 82);
    for (int sub = 0; sub < 16; ++sub) {
        const std::byte* q = codes + (sub / 8) * 32 + (sub % 2) * 16;
        const int shift = 2 * ((sub % 8) / 2);
        const float d = scale * static_cast<float>(byteAt(scales, sub) & 15);
        const float m = minimum * static_cast<float>(byteAt(scales, sub) >> 4);
        for (int i = 0; i < 16; ++i)
            out[16 * sub + i] = d * static_cast<float>((byteAt(q, i) >> shift) & 3) - m;
    }
}

void dequantizeQ3K(const std::byte* block, float* out)
{
    const std::byte* mask = block;
    const std::byte* codes = block + 32;
    const auto scales = q3Scales(block + 96);
    const float scale = halfAt(block + 108);
    for (int sub = 0; sub < 16; ++sub) {
        const int half = (sub % 2) * 16;
        const std::byte* q = codes + (sub / 8) * 32 + half;
        const std::byte* m = mask + half;
        const int shift = 2 * ((sub % 8) / 2);
        const int bit = sub / 2;
        const float d = scale * static_cast<float>(scales[static_cast<std::size_t>(sub)]);
        for (int i = 0; i < 16; ++i) {
            const int low = (byteAt(q, i) >> shift) & 3;
            const int high = (byteAt(m, i) >> bit) & 1;
            out[16 * sub + i] = d * static_cast<float>(low + 4 * high - 4);
        }
    }
}

void dequantizeQ4K(const std::byte* block, float* out)
{
    const float scale = halfAt(block);
    const float minimum = halfAt(block + 2);
    const std::byte* packed = block + 4;
    for (int chunk = 0; chunk < 4; ++chunk) {
        const std::byte* q = block + 16 + 32 * chunk;
        const auto low = scaleAndMinimum(packed, 2 * chunk);
        const auto high = scaleAndMinimum(packed, 2 * chunk + 1);
        const float d0 = scale * static_cast<float>(low.scale);
        const float m0 = minimum * static_cast<float>(low.minimum);
        const float d1 = scale * static_cast<float>(high.scale);
        const float m1 = minimum * static_cast<float>(high.minimum);
        for (int i = 0; i < 32; ++i) {
            out[64 * chunk + i] = d0 * static_cast<float>(byteAt(q, i) & 15) - m0;
            out[64 * chunk + 32 + i] = d1 * static_cast<float>(byteAt(q, i) >> 4) - m1;
        }
    }
}

void dequantizeQ5K(const std::byte* block, float* out)
{
    const float scale = halfAt(block);
    const float minimum = halfAt(block + 2);
    const std::byte* packed = block + 4;
    const std::byte* high = block + 16;
    for (int sub = 0; sub < 8; ++sub) {
        const std::byte* q = block + 48 + 32 * (sub / 2);
        const int shift = 4 * (sub % 2);
        const auto [s, m] = scaleAndMinimum(packed, sub);
        const float d = scale * static_cast<float>(s);
        const float offset = minimum * static_cast<float>(m);
        for (int i = 0; i < 32; ++i) {
            const int code = ((byteAt(q, i) >> shift) & 15) | (((byteAt(high, i) >> sub) & 1) << 4);
            out[32 * sub + i] = d * static_cast<float>(code) - offset;
        }
    }
}

void dequantizeQ6K(const std::byte* block, float* out)
{
    const float scale = halfAt(block + 208);
    for (int group = 0; group < 8; ++group) { // 32 elements each, four groups to a half
        const int half = group / 4;
        const int quarter = group % 4;
        const std::byte* low = block + 64 * half + 32 * (quarter % 2);
        const std::byte* high = block + 128 + 32 * half;
        const std::byte* scales = block + 192 + 2 * group;
        const int lowShift = 4 * (quarter / 2);
        const int highShift = 2 * quarter;
        for (int part = 0; part < 2; ++part) {
            const float d = scale * static_cast<float>(static_cast<std::int8_t>(byteAt(scales, part)));
            for (int i = 16 * part; i < 16 * part + 16; ++i) {
                const int code = ((byteAt(low, i) >> lowShift) & 15) | (((byteAt(high, i) >> highShift) & 3) << 4);
                out[32 * group + i] = d * static_cast<float>(code - 32);
            }
        }
    }
}

} // namespace paretoscope::core
