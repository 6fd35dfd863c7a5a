// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace paretoscope::engine {

/// The values that codes of at most 8 bits stand for, before a scale (specs quantization 3).
///
/// Small floats are sign, exponent and mantissa; -0 is encoded as +0, values beyond the largest saturate, ties go to
/// the even mantissa. Level tables are sorted; a value midway between two levels goes to the lower one.
struct NumberFormat
{
    enum class Encoding
    {
        SmallFloat,
        Levels,
        Unsigned, ///< the codes are the values
    };
    static constexpr std::size_t kMostLevels = 16;

    std::string_view
        name; ///< "nf4", "fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2", "ternary", "uint4", ...
    int bits = 0;
    Encoding encoding = Encoding::Unsigned;
    int mantissaBits = 0;                        ///< of small floats
    int bias = 0;                                ///< of small floats: exponent field e means 2^(e - bias)
    float largest = 0;                           ///< largest finite magnitude
    std::array<float, 256> values {};            ///< by code; NaN and Inf where the format has them
    std::array<float, kMostLevels> midpoints {}; ///< of Levels: between level i and i + 1; +Inf from the last one on

    float decode(std::uint8_t code) const { return values[code]; }
    /// The nearest value's code. @param value finite
    std::uint8_t encode(float value) const;
    /// The same for `count` of them.
    void encode(const float* from, std::int64_t count, std::uint8_t* codes) const;

    /// By name; null when there is none.
    static const NumberFormat* find(std::string_view name);
    static std::span<const NumberFormat> all();
};

} // namespace paretoscope::engine
