// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace paretoscope::spqr {

/// How the grid of one row within a group of columns follows from its weights.
struct RowGridRule
{
    int bits = 4;
    bool symmetric = false; ///< the zero stays in the middle of the codes
    bool roundZero = false; ///< the zero is a whole code

    float levels() const { return static_cast<float>((1 << bits) - 1); }
    /// @param low the smallest weight
    float zeroFor(float low, float scale) const;
};

/// scale * (code - zero) with code = clamp(round_half_even(weight / scale + zero), 0, levels): other than in GPTQ the
/// zero is real-valued and added before rounding.
struct RowGrid
{
    float scale = 1;
    float zero = 0;
    float code(float weight, float levels) const;
    float value(float code) const { return scale * (code - zero); }
    float quantize(float weight, float levels) const { return value(code(weight, levels)); }
};

/// The range of weights, without forcing 0 into it.
struct Range
{
    float low = 0;
    float high = 0;
    static Range of(std::span<const float> weights);
    /// Without a range there is no scale: 0 then.
    float scale(const RowGridRule& rule) const;
    /// Where all weights are equal: a grid that holds that value exactly.
    RowGrid grid(const RowGridRule& rule) const;
};

/// Replaces the weights that had better be outliers by the mean of the others, so that a grid fitted to the row serves
/// those. A weight had better be one when the squared scaled error of the group falls by more than `threshold` if the
/// grid is fitted without it and its own error is left out.
/// @param weights of one row in one group, changed; @param diagonal of the inverse factor, at the same columns
/// Source: specs quantization 8, step 4 (Dettmers et al. 2023).
void dropLikelyOutliers(std::span<float> weights, std::span<const float> diagonal, double threshold,
                        const RowGridRule& rule);

} // namespace paretoscope::spqr
