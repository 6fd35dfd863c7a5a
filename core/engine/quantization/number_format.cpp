// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/number_format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace paretoscope::engine {

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr int kMantissaBits = 23; ///< of float32
constexpr int kBias = 127;

constexpr float powerOfTwo(int exponent)
{
    float result = 1;
    for (; exponent > 0; --exponent)
        result *= 2;
    for (; exponent < 0; ++exponent)
        result /= 2;
    return result;
}

/// Codes behind `largestCode` are NaN; the first of them is Inf where the format has it.
constexpr NumberFormat smallFloat(std::string_view name, int bits, int mantissaBits, int bias, int largestCode,
                                  bool hasInf = false)
{
    NumberFormat format;
    format.name = name;
    format.bits = bits;
    format.encoding = NumberFormat::Encoding::SmallFloat;
    format.mantissaBits = mantissaBits;
    format.bias = bias;
    const int half = 1 << (bits - 1);
    const int steps = 1 << mantissaBits;
    for (int code = 0; code < half; ++code) {
        const int exponent = code / steps;
        const int mantissa = code % steps;
        float value = exponent == 0 ? static_cast<float>(mantissa) * powerOfTwo(1 - bias - mantissaBits)
                                    : static_cast<float>(steps + mantissa) * powerOfTwo(exponent - bias - mantissaBits);
        if (code > largestCode)
            value = hasInf && code == largestCode + 1 ? kInf : kNaN;
        format.values[static_cast<std::size_t>(code)] = value;
        format.values[static_cast<std::size_t>(half + code)] = -value;
    }
    format.largest = format.values[static_cast<std::size_t>(largestCode)];
    return format;
}

template <std::size_t count>
constexpr NumberFormat levels(std::string_view name, int bits, const std::array<float, count>& sorted)
{
    NumberFormat format;
    format.name = name;
    format.bits = bits;
    format.encoding = NumberFormat::Encoding::Levels;
    format.largest = sorted.back();
    for (std::size_t i = 0; i < count; ++i)
        format.values[i] = sorted[i];
    for (std::size_t i = 0; i < NumberFormat::kMostLevels; ++i)
        format.midpoints[i] = i + 1 < count ? (sorted[i] + sorted[i + 1]) / 2 : kInf;
    return format;
}

constexpr NumberFormat unsignedInteger(std::string_view name, int bits)
{
    NumberFormat format;
    format.name = name;
    format.bits = bits;
    for (int code = 0; code < 1 << bits; ++code)
        format.values[static_cast<std::size_t>(code)] = static_cast<float>(code);
    format.largest = static_cast<float>((1 << bits) - 1);
    return format;
}

/// The literals of bitsandbytes, so that codes match other tools.
constexpr std::array<float, 16> kNormalFloat {
    -1.0F,
    -0.6961928009986877F,
    -0.5250730514526367F,
    -0.39491748809814453F,
    -0.28444138169288635F,
    -0.18477343022823334F,
    -0.09105003625154495F,
    0.0F,
    0.07958029955625534F,
    0.16093020141124725F,
    0.24611230194568634F,
    0.33791524171829224F,
    0.44070982933044434F,
    0.5626170039176941F,
    0.7229568362236023F,
    1.0F,
};

constexpr std::array kFormats {
    levels("nf4", 4, kNormalFloat),        smallFloat("fp4_e2m1", 4, 1, 1, 7),
    smallFloat("fp6_e2m3", 6, 3, 1, 31),   smallFloat("fp6_e3m2", 6, 2, 3, 31),
    smallFloat("fp8_e4m3", 8, 3, 7, 0x7E), smallFloat("fp8_e5m2", 8, 2, 15, 0x7B, true),
    smallFloat("ternary", 2, 0, 1, 1), // -1, 0, 1: a sign and one bit
    unsignedInteger("uint2", 2),           unsignedInteger("uint3", 3),
    unsignedInteger("uint4", 4),           unsignedInteger("uint5", 5),
    unsignedInteger("uint6", 6),           unsignedInteger("uint7", 7),
    unsignedInteger("uint8", 8),
};

std::uint8_t encodeLevel(const NumberFormat& format, float value)
{
    int code = 0;
    for (const float midpoint : format.midpoints)
        code += value > midpoint ? 1 : 0;
    return static_cast<std::uint8_t>(code);
}

std::uint8_t encodeUnsigned(const NumberFormat& format, float value)
{
    return static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0F, format.largest));
}

/// What encodes a small float, computed once per call for many values.
struct SmallFloatEncoder
{
    explicit SmallFloatEncoder(const NumberFormat& format)
        : largest(format.largest)
        , smallestNormal(powerOfTwo(1 - format.bias))
        , perSubnormal(powerOfTwo(format.mantissaBits + format.bias - 1))
        , shift(static_cast<unsigned>(kMantissaBits - format.mantissaBits))
        , rebias(static_cast<std::uint32_t>(kBias - format.bias) << static_cast<unsigned>(format.mantissaBits))
        , sign(1U << static_cast<unsigned>(format.bits - 1))
    {}

    std::uint8_t operator()(float value) const
    {
        const float magnitude = std::min(std::fabs(value), largest);
        std::uint32_t code = 0;
        if (magnitude < smallestNormal) {
            code = static_cast<std::uint32_t>(std::nearbyint(magnitude * perSubnormal));
        } else {
            std::uint32_t bits = std::bit_cast<std::uint32_t>(magnitude);
            bits += (1U << (shift - 1)) - 1 + (bits >> shift & 1U); // half to even
            code = (bits >> shift) - rebias;
        }
        return static_cast<std::uint8_t>(value < 0 && code != 0 ? code | sign : code);
    }

    float largest;
    float smallestNormal;
    float perSubnormal;
    unsigned shift;
    std::uint32_t rebias;
    std::uint32_t sign;
};

} // namespace

std::uint8_t NumberFormat::encode(float value) const
{
    std::uint8_t code = 0;
    encode(&value, 1, &code);
    return code;
}

void NumberFormat::encode(const float* from, std::int64_t count, std::uint8_t* codes) const
{
    const auto all = [&](const auto& one) {
        for (std::int64_t i = 0; i < count; ++i)
            codes[i] = one(from[i]);
    };
    switch (encoding) {
    case Encoding::SmallFloat:
        all(SmallFloatEncoder(*this));
        break;
    case Encoding::Levels:
        all([this](float value) { return encodeLevel(*this, value); });
        break;
    case Encoding::Unsigned:
        all([this](float value) { return encodeUnsigned(*this, value); });
        break;
    }
}

const NumberFormat* NumberFormat::find(std::string_view name)
{
    const auto found =
        std::find_if(kFormats.begin(), kFormats.end(), [&](const NumberFormat& format) { return format.name == name; });
    return found == kFormats.end() ? nullptr : &*found;
}

std::span<const NumberFormat> NumberFormat::all()
{
    return kFormats;
}

} // namespace paretoscope::engine
