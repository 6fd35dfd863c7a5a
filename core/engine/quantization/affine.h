// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/aten.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace paretoscope::engine {

enum class ScaleType
{
    Float16,
    BFloat16,
    Float32
};
enum class SymmetricDivisor
{
    HalfRange,      ///< s = absmax / ((2^b - 1) / 2)
    QMax,           ///< s = absmax / (2^(b-1) - 1)
    NegativeAbsMax, ///< s = signed extreme / -2^(b-1)
};
enum class ClipSearch
{
    None,
    MeanSquare
};

/// The grid family of an affine quantizer: codes q in [0, 2^bits - 1], value s (q - z), one (s, z) per row and group.
struct AffineOptions
{
    int bits = 4;                 ///< 2..8
    std::int64_t groupSize = 128; ///< along the inputs; -1: the whole row; the last group may be shorter
    bool symmetric = false;       ///< z = 2^(bits-1)
    SymmetricDivisor divisor = SymmetricDivisor::HalfRange;
    bool includeZero = true; ///< the range of an asymmetric group always holds 0
    ClipSearch clip = ClipSearch::None;
    double clipNorm = 2.4;                    ///< exponent of the error that the clip search minimises
    int clipGrid = 100;                       ///< shrink factors 1 - i / clipGrid ...
    double clipMaxShrink = 0.8;               ///< ... for i below clipMaxShrink * clipGrid
    ScaleType scaleType = ScaleType::Float16; ///< codes are made with the rounded scale

    int levels() const { return (1 << bits) - 1; }
    std::int64_t groups(std::int64_t inFeatures) const;
    std::int64_t groupSizeFor(std::int64_t inFeatures) const { return groupSize < 0 ? inFeatures : groupSize; }

    /// From the parameters that quantisation plugins share (bits, group_size, symmetric, symmetric_divisor,
    /// include_zero, clip, clip_norm, clip_grid, clip_max_shrink, scale_dtype); absent ones keep their default.
    static AffineOptions fromParameters(const core::Json& parameters);
};

/// One group's grid.
struct AffineGrid
{
    float scale = 1;
    float zero = 0; ///< integral

    /// Code of `value`: clamp(round_half_even(value / scale) + zero, 0, levels).
    float code(float value, float levels) const
    {
        return std::clamp(std::nearbyint(value / scale) + zero, 0.0F, levels);
    }
    float dequantize(float code) const { return scale * (code - zero); }
    float quantize(float value, float levels) const { return dequantize(code(value, levels)); }
};

/// Fits the grid of one group. A group of zeros gets scale 1 and the middle zero point, so it stays exactly 0.
/// Deterministic. Source: specs quantization 2 (RTN of GPTQ's code; clip search with its constants 2.4 / 100 / 0.8).
AffineGrid fitGrid(const float* values, std::int64_t count, const AffineOptions& options);

/// Grids of all groups of a matrix.
struct AffineGrids
{
    at::Tensor scales; ///< float32 [rows, groups], already rounded to the storage type
    at::Tensor zeros;  ///< float32 [rows, groups], integral
};

/// @param weight float32 [out, in], contiguous. Fitted on the host, wherever it lies. Errors: Numerical (a value or a
/// scale that is not finite; names the first row and column).
core::Result<AffineGrids> fitGrids(const at::Tensor& weight, const AffineOptions& options);

/// @return uint8 codes [out, in]
at::Tensor quantizeToCodes(const at::Tensor& weight, const AffineGrids& grids, const AffineOptions& options);

/// scale * (q - z) in float32. @param columnGroups int32 [in]: group of every column; undefined: column / groupSize
at::Tensor dequantizeCodes(const at::Tensor& codes, const AffineGrids& grids, std::int64_t groupSize,
                           const at::Tensor& columnGroups = {});

} // namespace paretoscope::engine
