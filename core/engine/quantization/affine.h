// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/kernels/affine_grid.h"

#include <cstdint>

namespace paretoscope::engine {

/// The grid family of an affine quantizer: one grid per row and group of columns.
struct AffineOptions : AffineRule
{
    std::int64_t groupSize = 128; ///< along the inputs; -1: the whole row; the last group may be shorter

    std::int64_t groups(std::int64_t inFeatures) const;
    std::int64_t groupSizeFor(std::int64_t inFeatures) const { return groupSize < 0 ? inFeatures : groupSize; }

    /// From the parameters that quantisation plugins share (bits, group_size, symmetric, symmetric_divisor,
    /// include_zero, clip, clip_norm, clip_grid, clip_max_shrink, scale_dtype); absent ones keep their default.
    static AffineOptions fromParameters(const core::Json& parameters);
};

/// Fits the grid of one group on the host.
inline AffineGrid fitGrid(const float* values, std::int64_t count, const AffineOptions& options)
{
    return fitGrid(OneLane(), values, count, options);
}

/// Grids of all groups of a matrix.
struct AffineGrids
{
    at::Tensor scales; ///< float32 [rows, groups], already rounded to the storage type
    at::Tensor zeros;  ///< float32 [rows, groups], integral
};

at::ScalarType storageType(ScaleType type); ///< of the tensor that holds scales

/// @param weight float32 [out, in], contiguous. On a card by our own kernel; without it on the host. Errors: Numerical
/// (a value or a scale that is not finite; names the first row and column).
core::Result<AffineGrids> fitGrids(const at::Tensor& weight, const AffineOptions& options);

/// @return uint8 codes [out, in]
at::Tensor quantizeToCodes(const at::Tensor& weight, const AffineGrids& grids, const AffineOptions& options);

/// scale * (q - z) in float32. @param columnGroups int32 [in]: group of every column; undefined: column / groupSize
at::Tensor dequantizeCodes(const at::Tensor& codes, const AffineGrids& grids, std::int64_t groupSize,
                           const at::Tensor& columnGroups = {});

} // namespace paretoscope::engine
