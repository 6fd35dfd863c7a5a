// SPDX-License-Identifier: Apache-2.0
// One row of the elimination of GPTQ and SparseGPT, compiled for the host and for CUDA cards alike.
#pragma once

#include "core/engine/kernels/affine_grid.h"

namespace paretoscope::engine {

/// A block of columns [begin, end) to be settled in every row: rounded to a grid, pruned, or both. All matrices are
/// row-major and contiguous; columns stand in the order of work.
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
    std::uint8_t* mask = nullptr; ///< [rows, columns]: 0 where the weight becomes zero; null: nowhere
    /// Of every `of` columns those `keep` stay in the mask whose loss would cost most when the first is reached; 0: the
    /// mask is given. Divides `begin` and `end`.
    std::int64_t of = 0;
    std::int64_t keep = 0;
    bool rounds = true; ///< false: what is kept stays as it is; codes, scales and zeros are not touched
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t groups = 0;
    std::int64_t groupSize = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    AffineRule rule;
};

namespace gptq_detail {

PSC_HOST_DEVICE inline bool isKept(const GptqBlock& block, std::int64_t row, std::int64_t column)
{
    return !block.mask || block.mask[row * block.columns + column] != 0;
}

/// Chooses the mask of the `of` columns that begin at `column`; of equal scores the first is kept.
template <typename Lanes>
PSC_HOST_DEVICE void keepMostCostly(const Lanes& lanes, const GptqBlock& block, std::int64_t row, std::int64_t column)
{
    const float* weight = block.weight + row * block.columns;
    const auto score = [&](std::int64_t place) {
        return fabsf(weight[column + place] / block.factor[(column + place) * block.columns + column + place]);
    };
    for (std::int64_t place = lanes.index(); place < block.of; place += lanes.count()) {
        const float own = score(place);
        std::int64_t ahead = 0;
        for (std::int64_t other = 0; other < block.of; ++other) {
            const float others = score(other);
            ahead += others > own || (others == own && other < place) ? 1 : 0;
        }
        block.mask[row * block.columns + column + place] = ahead < block.keep ? 1 : 0;
    }
    lanes.sync();
}

/// Fits the group that begins at `column`; what the mask drops counts as zero. Columns from `end` on still lack the
/// errors of this block.
template <typename Lanes>
PSC_HOST_DEVICE AffineGrid fitFresh(const Lanes& lanes, const GptqBlock& block, std::int64_t row, std::int64_t column,
                                    const float* errors, float* fresh)
{
    const float* weight = block.weight + row * block.columns;
    const std::int64_t last = column + block.groupSize < block.columns ? column + block.groupSize : block.columns;
    const bool isUpToDate = last <= block.end || column == block.begin;
    if (isUpToDate && !block.mask)
        return fitGrid(lanes, weight + column, last - column, block.rule);
    for (std::int64_t k = column + lanes.index(); k < last; k += lanes.count())
        fresh[k - column] = isKept(block, row, k) ? weight[k] : 0.0F;
    lanes.sync();
    if (isUpToDate)
        return fitGrid(lanes, fresh, last - column, block.rule);
    for (std::int64_t done = block.begin; done < column; ++done) {
        const float* factor = block.factor + done * block.columns;
        for (std::int64_t k = block.end + lanes.index(); k < last; k += lanes.count()) {
            if (isKept(block, row, k))
                fresh[k - column] -= errors[done - block.begin] * factor[k];
        }
    }
    lanes.sync();
    return fitGrid(lanes, fresh, last - column, block.rule);
}

/// Rounds one column, after its group was fitted where that is due. @return what the weight becomes
template <typename Lanes>
PSC_HOST_DEVICE float roundColumn(const Lanes& lanes, const GptqBlock& block, std::int64_t row, std::int64_t column,
                                  const float* errors, float* fresh)
{
    const std::int64_t group = row * block.groups + (block.order ? block.order[column] : column) / block.groupSize;
    if (!block.order && column % block.groupSize == 0) {
        const AffineGrid fitted = fitFresh(lanes, block, row, column, errors, fresh);
        if (lanes.index() == 0) {
            block.scales[group] = fitted.scale;
            block.zeros[group] = fitted.zero;
        }
        lanes.sync();
    }
    const AffineGrid grid {block.scales[group], block.zeros[group]};
    const bool kept = isKept(block, row, column);
    const float code =
        kept ? grid.code(block.weight[row * block.columns + column], static_cast<float>(block.rule.levels())) : 0.0F;
    if (lanes.index() == 0)
        block.codes[row * block.columns + column] = static_cast<std::uint8_t>(code);
    return kept ? grid.dequantize(code) : 0.0F;
}

} // namespace gptq_detail

/// Settles the columns of the block in one row, one after the other, and moves each one's error into the columns of
/// the block that follow. Every element takes its errors in the order of the columns, so the number of lanes shows
/// nowhere.
/// @param fresh [groupSize], scratch; used where groups are fitted on the way
/// Source: Frantar et al., ICLR 2023, algorithm 1; Frantar & Alistarh, ICML 2023, algorithm 1.
template <typename Lanes>
PSC_HOST_DEVICE void eliminateRow(const Lanes& lanes, const GptqBlock& block, std::int64_t row, float* fresh)
{
    using namespace gptq_detail;
    float* weight = block.weight + row * block.columns;
    float* errors = block.errors + row * (block.end - block.begin);
    double loss = 0;
    for (std::int64_t column = block.begin; column < block.end; ++column) {
        if (block.of > 0 && column % block.of == 0)
            keepMostCostly(lanes, block, row, column);
        const float before = weight[column];
        const float after = block.rounds                 ? roundColumn(lanes, block, row, column, errors, fresh)
                            : isKept(block, row, column) ? before
                                                         : 0.0F;
        const float* factor = block.factor + column * block.columns;
        const float error = (before - after) / factor[column];
        loss += double(error) * double(error);
        if (lanes.index() == 0)
            errors[column - block.begin] = error;
        if (error != 0.0F) {
            for (std::int64_t k = column + 1 + lanes.index(); k < block.end; k += lanes.count())
                weight[k] -= error * factor[k];
        }
        lanes.sync();
    }
    if (lanes.index() == 0)
        block.losses[row] += loss;
}

} // namespace paretoscope::engine
