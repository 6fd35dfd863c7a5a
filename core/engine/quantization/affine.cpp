// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/affine.h"

#include "core/engine/device/transfer.h"
#include "core/engine/kernels/card_kernels.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace paretoscope::engine {

namespace {

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

at::ScalarType storageType(ScaleType type)
{
    return type == ScaleType::Float16 ? at::kHalf : type == ScaleType::BFloat16 ? at::kBFloat16 : at::kFloat;
}

namespace {

void fitOnHost(const at::Tensor& weight, const AffineOptions& options, AffineGrids& grids)
{
    const std::int64_t columns = weight.size(1);
    const std::int64_t groups = options.groups(columns);
    const std::int64_t groupSize = options.groupSizeFor(columns);
    const float* values = weight.const_data_ptr<float>();
    float* scales = grids.scales.mutable_data_ptr<float>();
    float* zeros = grids.zeros.mutable_data_ptr<float>();
    at::parallel_for(0, weight.size(0), 16, [&](std::int64_t begin, std::int64_t end) {
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
}

/// @param grids on the host
core::Status requireFinite(const AffineGrids& grids)
{
    const std::int64_t groups = grids.scales.size(1);
    const float* scales = grids.scales.const_data_ptr<float>();
    const float* zeros = grids.zeros.const_data_ptr<float>();
    for (std::int64_t i = 0; i < grids.scales.numel(); ++i) {
        if (!std::isfinite(scales[i]) || !std::isfinite(zeros[i]))
            return core::Error {core::ErrorCode::Numerical,
                                "the scale of row " + std::to_string(i / groups) + ", group " +
                                    std::to_string(i % groups) + " is not finite",
                                "the weight holds NaN, Inf or values beyond the range of the scale: try scale_dtype "
                                "float32, or check the model file"};
    }
    return core::success();
}

} // namespace

core::Result<AffineGrids> fitGrids(const at::Tensor& weight, const AffineOptions& options)
{
    const CardKernels* kernels = CardKernels::find(weight.device());
    if (!kernels && !weight.is_cpu()) {
        PSC_ASSIGN(const AffineGrids grids, fitGrids(toHost(weight), options));
        return AffineGrids {toDevice(grids.scales, weight.device()), toDevice(grids.zeros, weight.device())};
    }
    const std::int64_t columns = weight.size(1);
    const at::Tensor empty = at::empty({weight.size(0), options.groups(columns)}, weight.options());
    AffineGrids grids {empty, at::empty_like(empty)};
    if (kernels)
        kernels->fitGrids(weight, options.groupSizeFor(columns), options, grids.scales, grids.zeros);
    else
        fitOnHost(weight, options, grids);
    PSC_TRY(requireFinite({toHost(grids.scales), toHost(grids.zeros)}));
    return grids;
}

at::Tensor quantizeToCodes(const at::Tensor& weight, const AffineGrids& grids, const AffineOptions& options)
{
    const std::int64_t rows = weight.size(0);
    const std::int64_t columns = weight.size(1);
    const std::int64_t groups = options.groups(columns);
    const std::int64_t groupSize = options.groupSizeFor(columns);
    const auto levels = static_cast<float>(options.levels());
    if (const CardKernels* kernels = CardKernels::find(weight.device()))
        return kernels->quantize(weight, grids.scales, grids.zeros, groupSize, options.levels());
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
    if (const CardKernels* kernels = CardKernels::find(codes.device()))
        return kernels->dequantize(codes, grids.scales, grids.zeros, groupSize, columnGroups);
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
