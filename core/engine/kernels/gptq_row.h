// SPDX-License-Identifier: Apache-2.0
// One row of GPTQ's elimination, compiled for the host and for CUDA cards alike.
#pragma once

#include "core/engine/kernels/affine_grid.h"

namespace paretoscope::engine {

/// A block of columns [begin, end) to be quantised in every row. All matrices are row-major and contiguous; columns
/// stand in the order of work.
struct GptqBlock
{
    float* weight = nullptr;       ///< [rows, columns]; the columns of the block take the errors
    const float* factor = nullptr; ///< [columns, columns], upper triangular
    std::uint8_t* codes = nullptr; ///< [rows, columns]
    float* scales = nullptr;       ///< [rows, groups]
    float* zeros = nullptr;        ///< [rows, groups]
    float* errors = nullptr;       ///< [rows, end - begin], receives the scaled errors
    double* losses = nullptr;      ///< [rows], each added to
    /// int64 [columns]: the original column at every place, where grids were fitted beforehand in the original order;
    /// null: a group is fitted when its first column is reached.
    const std::int64_t* order = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t groups = 0;
    std::int64_t groupSize = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    AffineRule rule;
};

namespace gptq_detail {

/// Fits the group that begins at `column`. Columns from `end` on still lack the errors of this block.
template <typename Lanes>
PSC_HOST_DEVICE AffineGrid fitFresh(const Lanes& lanes, const GptqBlock& block, std::int64_t row, std::int64_t column,
                                    const float* errors, float* fresh)
{
    const float* weight = block.weight + row * block.columns;
    const std::int64_t last = column + block.groupSize < block.columns ? column + block.groupSize : block.columns;
    if (last <= block.end || column == block.begin)
        return fitGrid(lanes, weight + column, last - column, block.rule);
    for (std::int64_t k = column + lanes.index(); k < last; k += lanes.count())
        fresh[k - column] = weight[k];
    lanes.sync();
    for (std::int64_t done = block.begin; done < column; ++done) {
        const float* factor = block.factor + done * block.columns;
        for (std::int64_t k = block.end + lanes.index(); k < last; k += lanes.count())
            fresh[k - column] -= errors[done - block.begin] * factor[k];
    }
    lanes.sync();
    return fitGrid(lanes, fresh, last - column, block.rule);
}

} // namespace gptq_detail

/// Quantises the columns of the block in one row, one after the other, and moves each one's error into the columns of
/// the block that follow. Every element takes its errors in the order of the columns, so the number of lanes shows
/// nowhere.
/// @param fresh [groupSize], scratch; used where groups are fitted on the way
/// Source: Frantar et al., ICLR 2023, algorithm 1.
template <typename Lanes>
PSC_HOST_DEVICE void eliminateRow(const Lanes& lanes, const GptqBlock& block, std::int64_t row, float* fresh)
{
    float* weight = block.weight + row * block.columns;
    float* errors = block.errors + row * (block.end - block.begin);
    const auto levels = static_cast<float>(block.rule.levels());
    double loss = 0;
    for (std::int64_t column = block.begin; column < block.end; ++column) {
        const std::int64_t group = row * block.groups + (block.order ? block.order[column] : column) / block.groupSize;
        if (!block.order && column % block.groupSize == 0) {
            const AffineGrid fitted = gptq_detail::fitFresh(lanes, block, row, column, errors, fresh);
            if (lanes.index() == 0) {
                block.scales[group] = fitted.scale;
                block.zeros[group] = fitted.zero;
            }
            lanes.sync();
        }
        const AffineGrid grid {block.scales[group], block.zeros[group]};
        const float* factor = block.factor + column * block.columns;
        const float code = grid.code(weight[column], levels);
        const float error = (weight[column] - grid.dequantize(code)) / factor[column];
        loss += double(error) * double(error);
        if (lanes.index() == 0) {
            block.codes[row * block.columns + column] = static_cast<std::uint8_t>(code);
            errors[column - block.begin] = error;
        }
        for (std::int64_t k = column + 1 + lanes.index(); k < block.end; k += lanes.count())
            weight[k] -= error * factor[k];
        lanes.sync();
    }
    if (lanes.index() == 0)
        block.losses[row] += loss;
}

} // namespace paretoscope::engine
