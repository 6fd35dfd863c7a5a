// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>
#include <limits>
#include <span>

namespace paretoscope::spqr {

/// Smaller scales do not exist: float16 holds nothing between it and 0.
inline constexpr float kSmallestScale = 0x1p-24F;

/// `value` as it comes back from float16.
float roundToHalf(float value);

/// The grid on which the scales (or zeros) of neighbouring rows are stored: step * (code - offset).
struct SecondLevelGrid
{
    float step = 1;   ///< a float16 value
    float offset = 0; ///< a float16 value, not integral
    /// Over the range of the values, without forcing 0 into it. The step is at least 1/32768 of the largest magnitude,
    /// so that the offset stays within float16 where all values are nearly equal.
    static SecondLevelGrid fit(std::span<const float> values, int bits);

    float code(float value, float levels) const;
    float value(float code) const { return step * (code - offset); }
};

/// One number (a scale or a zero) per group of columns and row, in the form in which it is stored: either as it is, or
/// as codes on grids that runs of neighbouring rows share.
struct GroupNumbers
{
    at::Tensor plain;   ///< float32 [groups, rows], rounded to what is stored; undefined with a second level
    at::Tensor codes;   ///< uint8 [groups, rows]
    at::Tensor steps;   ///< float32 [groups, runs] of float16 values
    at::Tensor offsets; ///< float32 [groups, runs] of float16 values

    /// @param runSize rows that share a grid; @param floor smaller values are raised to it
    /// @return float32 [groups, rows]
    at::Tensor values(std::int64_t runSize, float floor = std::numeric_limits<float>::lowest()) const;
};

} // namespace paretoscope::spqr
