// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/affine.h"

#include "core/engine/device/transfer.h"

#include <ATen/Parallel.h>

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <limits>
#include <string>

namespace paretoscope::engine {

namespace {

float roundToStorage(float scale, ScaleType type)
{
    if (type == ScaleType::Float16)
        return static_cast<float>(c10::Half(scale));
    if (type == ScaleType::BFloat16)
        return static_cast<float>(c10::BFloat16(scale));
    return scale;
}

float smallestScale(ScaleType type)
{
    // Subnormals of half; the smallest normal number otherwise, so that dividing by the scale stays finite.
    return type == ScaleType::Float16 ? 5.9604645e-08F : std::numeric_limits<float>::min();
}

struct Range
{
    float low = 0;
    float high = 0;
    float extreme = 0; ///< the value of largest magnitude, with its sign
};

Range rangeOf(const float* values, std::int64_t count, bool includeZero)
{
    Range range {values[0], values[0], values[0]};
    for (std::int64_t i = 1; i < count; ++i) {
        range.low = std::min(range.low, values[i]);
        range.high = std::max(range.high, values[i]);
    }
    range.extreme = std::fabs(range.low) > std::fabs(range.high) ? range.low : range.high;
    if (includeZero) {
        range.low = std::min(range.low, 0.0F);
        range.high = std::max(range.high, 0.0F);
    }
    return range;
}

AffineGrid gridOfRange(const Range& range, const AffineOptions& options)
{
    const auto levels = static_cast<float>(options.levels());
    const auto middle = static_cast<float>(1 << (options.bits - 1));
    float scale = 0;
    if (options.symmetric) {
        switch (options.divisor) {
        case SymmetricDivisor::HalfRange:
            scale = std::fabs(range.extreme) / (levels / 2);
            break;
        case SymmetricDivisor::QMax:
            scale = std::fabs(range.extreme) / (middle - 1);
            break;
        case SymmetricDivisor::NegativeAbsMax:
            scale = range.extreme / -middle;
            break;
        }
    } else {
        scale = (range.high - range.low) / levels;
    }
    if (scale == 0)
        return {1, middle};
    scale = roundToStorage(scale, options.scaleType);
    if (std::fabs(scale) < smallestScale(options.scaleType))
        scale = std::copysign(smallestScale(options.scaleType), scale);
    if (options.symmetric)
        return {scale, middle};
    // Without zero in the range the zero point may leave the codes; AWQ's quantizer clamps it, and so do we.
    return {scale, std::clamp(std::nearbyint(-range.low / scale), 0.0F, levels)};
}

double errorOf(const float* values, std::int64_t count, const AffineGrid& grid, const AffineOptions& options)
{
    const auto levels = static_cast<float>(options.levels());
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
        sum += std::pow(double(std::fabs(grid.quantize(values[i], levels) - values[i])), options.clipNorm);
    return sum;
}

/// For every column what its group has. @param perGroup [rows, groups]. @return [rows, columns]
at::Tensor byColumn(const at::Tensor& perGroup, std::int64_t columns, std::int64_t groupSize,
                    const at::Tensor& columnGroups = {})
{
    if (columnGroups.defined())
        return perGroup.index_select(1, columnGroups);
    const at::Tensor column = at::arange(columns, perGroup.options().dtype(at::kInt));
    return perGroup.index_select(1, column.floor_divide(groupSize));
}

} // namespace

std::int64_t AffineOptions::groups(std::int64_t inFeatures) const
{
    const std::int64_t size = groupSizeFor(inFeatures);
    return (inFeatures + size - 1) / size;
}

AffineOptions AffineOptions::fromParameters(const core::Json& parameters)
{
    AffineOptions options;
    options.bits = parameters.value("bits", options.bits);
    options.groupSize = parameters.value("group_size", options.groupSize);
    options.symmetric = parameters.value("symmetric", options.symmetric);
    const std::string divisor = parameters.value("symmetric_divisor", "half_range");
    options.divisor = divisor == "qmax"         ? SymmetricDivisor::QMax
                      : divisor == "neg_absmax" ? SymmetricDivisor::NegativeAbsMax
                                                : SymmetricDivisor::HalfRange;
    options.includeZero = parameters.value("include_zero", options.includeZero);
    options.clip = parameters.value("clip", "none") == "mse" ? ClipSearch::MeanSquare : ClipSearch::None;
    options.clipNorm = parameters.value("clip_norm", options.clipNorm);
    options.clipGrid = parameters.value("clip_grid", options.clipGrid);
    options.clipMaxShrink = parameters.value("clip_max_shrink", options.clipMaxShrink);
    const std::string type = parameters.value("scale_dtype", "float16");
    options.scaleType = type == "bfloat16"  ? ScaleType::BFloat16
                        : type == "float32" ? ScaleType::Float32
                                            : ScaleType::Float16;
    return options;
}

AffineGrid fitGrid(const float* values, std::int64_t count, const AffineOptions& options)
{
    const Range full = rangeOf(values, count, options.includeZero);
    AffineGrid best = gridOfRange(full, options);
    if (options.clip == ClipSearch::None)
        return best;
    double bestError = errorOf(values, count, best, options);
    const int steps = static_cast<int>(options.clipMaxShrink * options.clipGrid);
    for (int i = 1; i < steps; ++i) { // i = 0 is the full range; strict <, so the widest wins ties
        const float shrink = 1.0F - static_cast<float>(i) / static_cast<float>(options.clipGrid);
        const AffineGrid grid = gridOfRange({full.low * shrink, full.high * shrink, full.extreme * shrink}, options);
        if (const double error = errorOf(values, count, grid, options); error < bestError) {
            bestError = error;
            best = grid;
        }
    }
    return best;
}

core::Result<AffineGrids> fitGrids(const at::Tensor& weight, const AffineOptions& options)
{
    if (!weight.is_cpu()) {
        PSC_ASSIGN(const AffineGrids grids, fitGrids(toHost(weight), options));
        return AffineGrids {toDevice(grids.scales, weight.device()), toDevice(grids.zeros, weight.device())};
    }
    const std::int64_t rows = weight.size(0);
    const std::int64_t columns = weight.size(1);
    const std::int64_t groups = options.groups(columns);
    const std::int64_t groupSize = options.groupSizeFor(columns);
    AffineGrids grids {at::empty({rows, groups}, at::kFloat), at::empty({rows, groups}, at::kFloat)};
    const float* values = weight.const_data_ptr<float>();
    float* scales = grids.scales.mutable_data_ptr<float>();
    float* zeros = grids.zeros.mutable_data_ptr<float>();
    at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            for (std::int64_t group = 0; group < groups; ++group) {
                const std::int64_t first = group * groupSize;
                const AffineGrid grid =
                    fitGrid(values + row * columns + first, std::min(groupSize, columns - first), options);
                scales[row * groups + group] = grid.scale;
                zeros[row * groups + group] = grid.zero;
            }
        }
    });
    for (std::int64_t i = 0; i < rows * groups; ++i) {
        if (!std::isfinite(scales[i]) || !std::isfinite(zeros[i]))
            return core::Error {core::ErrorCode::Numerical,
                                "the scale of row " + std::to_string(i / groups) + ", group " +
                                    std::to_string(i % groups) + " is not finite",
                                "the weight holds NaN, Inf or values beyond the range of the scale: try scale_dtype "
                                "float32, or check the model file"};
    }
    return grids;
}

at::Tensor quantizeToCodes(const at::Tensor& weight, const AffineGrids& grids, const AffineOptions& options)
{
    const std::int64_t rows = weight.size(0);
    const std::int64_t columns = weight.size(1);
    const std::int64_t groups = options.groups(columns);
    const std::int64_t groupSize = options.groupSizeFor(columns);
    const auto levels = static_cast<float>(options.levels());
    if (!weight.is_cpu())
        return (weight / byColumn(grids.scales, columns, groupSize))
            .round_()
            .add_(byColumn(grids.zeros, columns, groupSize))
            .clamp_(0, levels)
            .to(at::kByte);
    at::Tensor codes = at::empty({rows, columns}, at::kByte);
    const float* values = weight.const_data_ptr<float>();
    const float* scales = grids.scales.const_data_ptr<float>();
    const float* zeros = grids.zeros.const_data_ptr<float>();
    std::uint8_t* out = codes.mutable_data_ptr<std::uint8_t>();
    at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            for (std::int64_t column = 0; column < columns; ++column) {
                const std::int64_t at = row * groups + column / groupSize;
                const AffineGrid grid {scales[at], zeros[at]};
                out[row * columns + column] =
                    static_cast<std::uint8_t>(grid.code(values[row * columns + column], levels));
            }
        }
    });
    return codes;
}

at::Tensor dequantizeCodes(const at::Tensor& codes, const AffineGrids& grids, std::int64_t groupSize,
                           const at::Tensor& columnGroups)
{
    const std::int64_t rows = codes.size(0);
    const std::int64_t columns = codes.size(1);
    const std::int64_t groups = grids.scales.size(1);
    if (!codes.is_cpu())
        return (codes.to(at::kFloat) - byColumn(grids.zeros, columns, groupSize, columnGroups))
            .mul_(byColumn(grids.scales, columns, groupSize, columnGroups));
    at::Tensor weight = at::empty({rows, columns}, at::kFloat);
    const std::uint8_t* in = codes.const_data_ptr<std::uint8_t>();
    const float* scales = grids.scales.const_data_ptr<float>();
    const float* zeros = grids.zeros.const_data_ptr<float>();
    const std::int32_t* groupOf = columnGroups.defined() ? columnGroups.const_data_ptr<std::int32_t>() : nullptr;
    float* out = weight.mutable_data_ptr<float>();
    at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const float* rowScales = scales + row * groups;
            const float* rowZeros = zeros + row * groups;
            for (std::int64_t column = 0; column < columns; ++column) {
                const std::int64_t group = groupOf ? groupOf[column] : column / groupSize;
                out[row * columns + column] =
                    rowScales[group] * (static_cast<float>(in[row * columns + column]) - rowZeros[group]);
            }
        }
    });
    return weight;
}

} // namespace paretoscope::engine
