// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/rtn/rtn.h"

#include "core/engine/device/transfer.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <string>
#include <utility>

namespace paretoscope::rtn {

namespace {

using Tensor = std::shared_ptr<const engine::CompressedTensor>;

core::Error contradiction(const std::string& what, const std::string& hint)
{
    return {core::ErrorCode::InvalidArgument, what, hint};
}

/// One uniform grid for all of it, stored with one scale and one zero point.
core::Result<Tensor> roundToOneGrid(const at::Tensor& weight, engine::AffineOptions options, const at::Tensor& mask)
{
    options.groupSize = -1;
    const at::Tensor row = engine::toHost(weight).view({1, -1});
    PSC_ASSIGN(const engine::AffineGrids grids, engine::fitGrids(row, options));
    const at::Tensor codes = engine::quantizeToCodes(row, grids, options).view(weight.sizes());
    const at::ScalarType type = engine::storageType(options.scaleType);
    return Tensor(std::make_shared<engine::CodedTensor>(
        engine::CodedTensor::Form {engine::NumberFormat::find("uint" + std::to_string(options.bits)), -1}, codes,
        engine::CodedScales {engine::scaleCodingOf(options.scaleType), grids.scales.to(type), {}, {}},
        grids.zeros.to(type), mask));
}

} // namespace

Options Options::fromParameters(const core::Json& parameters)
{
    Options options;
    options.grid = engine::AffineOptions::fromParameters(parameters);
    const std::string granularity = parameters.value("granularity", "group");
    options.perTensor = granularity == "tensor";
    if (granularity == "channel")
        options.grid.groupSize = -1;
    const std::string format = parameters.value("format", "integer");
    if (format != "integer")
        options.coded = engine::CodedOptions::fromParameters(parameters);
    options.sharesFactor = format == "nvfp4";
    return options;
}

core::Status checkCombination(const core::Json& parameters)
{
    const std::string format = parameters.value("format", "integer");
    const std::string granularity = parameters.value("granularity", "group");
    const bool isBlockFormat = format.starts_with("mx") || format == "nvfp4";
    if (isBlockFormat && granularity != "group")
        return contradiction("format " + format + " has scales for blocks of its own, so granularity " + granularity +
                                 " cannot be had",
                             "choose granularity: group, or format: fp4 or fp8_e4m3");
    if (parameters.value("double_quantization", false) && (format != "nf4" || granularity != "group"))
        return contradiction("double_quantization is for the group scales of nf4, and the format is " + format +
                                 " with a scale per " + granularity,
                             "choose format: nf4 and granularity: group, or double_quantization: false");
    if (format == "integer")
        return core::success();
    if (parameters.value("clip", "none") != "none")
        return contradiction("clip: mse searches the range of a uniform grid, which format " + format + " is not",
                             "choose clip: none, or format: integer");
    if (parameters.value("symmetric", false) || !parameters.value("include_zero", true))
        return contradiction("symmetric and include_zero are about the zero point of integers, and format " + format +
                                 " has none: it is symmetric and holds 0",
                             "leave both out, or choose format: integer");
    return core::success();
}

core::Result<Tensor> quantize(const at::Tensor& weight, const Options& options, const at::Tensor& mask,
                              std::optional<float> largest)
{
    if (options.coded) {
        PSC_ASSIGN(auto rounded, engine::roundToFormat(weight, *options.coded, mask, largest));
        return Tensor(std::move(rounded));
    }
    if (options.perTensor)
        return roundToOneGrid(weight, options.grid, mask);
    PSC_ASSIGN(auto rounded, engine::roundToNearest(weight, options.grid, mask));
    return Tensor(std::move(rounded));
}

} // namespace paretoscope::rtn
