// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace paretoscope::core {

/// IEEE binary16 to binary32; exact, NaN payloads kept. Branch-free and without denormal float operands, so that
/// loops vectorise and a thread that flushes denormals to zero gets the same bits.
constexpr float halfToFloat(std::uint16_t half)
{
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1fU;
    const std::uint32_t mantissa = half & 0x3ffU;
    const std::uint32_t widened = exponent + 112 + (exponent == 31 ? 112U : 0U);
    const std::uint32_t normal = (widened << 23) | (mantissa << 13);
    const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<int>(mantissa)) * 0x1p-24F);
    const std::uint32_t isSubnormal = exponent == 0 ? ~0U : 0U; // a mask: compilers do not vectorise the choice itself
    return std::bit_cast<float>(sign | (isSubnormal & subnormal) | (~isSubnormal & normal));
}

/// The nearest binary16, ties to even; overflow gives an infinity, NaN stays NaN.
constexpr std::uint16_t floatToHalf(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U)
        return static_cast<std::uint16_t>(sign | 0x7e00U | ((magnitude >> 13) & 0x3ffU));
    if (magnitude >= 0x477ff000U) // 65520 and more
        return static_cast<std::uint16_t>(sign | 0x7c00U);
    if (magnitude >= 0x38800000U) { // 2^-14, the smallest normal half
        const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13) & 1U);
        return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
    }
    if (magnitude < 0x33000000U) // less than half of 2^-24
        return static_cast<std::uint16_t>(sign);
    const std::uint32_t shift = 126 - (magnitude >> 23);
    const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
    const std::uint32_t kept = mantissa >> shift;
    const std::uint32_t rest = mantissa & ((1U << shift) - 1);
    const std::uint32_t half = 1U << (shift - 1);
    const bool up = rest > half || (rest == half && (kept & 1U) != 0);
    return static_cast<std::uint16_t>(sign | (kept + (up ? 1U : 0U)));
}

constexpr float bfloat16ToFloat(std::uint16_t value)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// The nearest bfloat16, ties to even; NaN stays NaN.
constexpr std::uint16_t floatToBfloat16(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U)
        return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

/// How an 8-bit float spends its codes beside the finite numbers.
enum class SpecialCodes
{
    Ieee,         ///< infinities and NaN in the largest exponent (e5m2)
    NanOnly,      ///< NaN is the code of all ones, no infinities (e4m3, "fn")
    UnsignedZero, ///< NaN is the code of minus zero, no infinities (the "fnuz" types)
};

/// The value of an 8-bit float with `exponentBits` exponent bits of the given bias.
constexpr float smallFloatValue(std::uint8_t code, int exponentBits, int bias, SpecialCodes special)
{
    constexpr float kNan = std::bit_cast<float>(0x7fc00000U);
    constexpr float kInfinity = std::bit_cast<float>(0x7f800000U);
    const int mantissaBits = 7 - exponentBits;
    const int mantissa = code & ((1 << mantissaBits) - 1);
    const int exponent = (code >> mantissaBits) & ((1 << exponentBits) - 1);
    const float sign = (code & 0x80) != 0 ? -1.0F : 1.0F;
    if (special == SpecialCodes::UnsignedZero && code == 0x80)
        return kNan;
    if (special == SpecialCodes::NanOnly && (code & 0x7f) == 0x7f)
        return kNan;
    if (special == SpecialCodes::Ieee && exponent == (1 << exponentBits) - 1)
        return mantissa == 0 ? sign * kInfinity : kNan;
    float scale = 1.0F; // of the last bit of the mantissa; 2^-31 at the least, so every step is exact
    for (int i = (exponent == 0 ? 1 : exponent) - bias - mantissaBits; i < 0; ++i)
        scale *= 0.5F;
    for (int i = (exponent == 0 ? 1 : exponent) - bias - mantissaBits; i > 0; --i)
        scale *= 2.0F;
    const int significand = exponent == 0 ? mantissa : mantissa + (1 << mantissaBits);
    return sign * static_cast<float>(significand) * scale;
}

using SmallFloatTable = std::array<float, 256>;

constexpr SmallFloatTable smallFloatTable(int exponentBits, int bias, SpecialCodes special)
{
    SmallFloatTable table {};
    for (std::size_t code = 0; code < table.size(); ++code)
        table[code] = smallFloatValue(static_cast<std::uint8_t>(code), exponentBits, bias, special);
    return table;
}

// The 8-bit formats of the Open Compute Project (OFP8, 2023) and of Graphcore/AMD ("fnuz").
inline constexpr SmallFloatTable kFloat8E4M3 = smallFloatTable(4, 7, SpecialCodes::NanOnly);
inline constexpr SmallFloatTable kFloat8E5M2 = smallFloatTable(5, 15, SpecialCodes::Ieee);
inline constexpr SmallFloatTable kFloat8E4M3Fnuz = smallFloatTable(4, 8, SpecialCodes::UnsignedZero);
inline constexpr SmallFloatTable kFloat8E5M2Fnuz = smallFloatTable(5, 16, SpecialCodes::UnsignedZero);

/// e8m0, the scale of the OCP microscaling formats: 2^(code-127); 255 is NaN.
constexpr float exponentOnlyToFloat(std::uint8_t code)
{
    if (code == 255)
        return std::bit_cast<float>(0x7fc00000U);
    return std::bit_cast<float>(code == 0 ? 0x00400000U : static_cast<std::uint32_t>(code) << 23);
}

/// e2m1, the 4-bit float of the OCP microscaling formats; the upper bit of the nibble is the sign.
inline constexpr std::array<float, 16> kFloat4E2M1 {0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                                                    -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};

} // namespace paretoscope::core
