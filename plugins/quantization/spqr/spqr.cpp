// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/spqr.h"

#include "core/engine/device/transfer.h"
#include "plugins/quantization/spqr/elimination.h"

#include <optional>
#include <utility>

namespace paretoscope::spqr {

namespace {

/// In compressed sparse rows what differs from zero. @param values float32 [rows, columns]
Outliers compressed(const at::Tensor& values)
{
    const at::Tensor isOutlier = values != 0;
    const at::Tensor places = at::nonzero(isOutlier);
    Outliers outliers;
    if (places.size(0) == 0)
        return outliers;
    outliers.values = values.masked_select(isOutlier).to(at::kHalf);
    outliers.columns = places.select(1, 1).to(at::kInt).contiguous();
    outliers.rowPointers = at::cat({at::zeros({1}, at::kInt), isOutlier.sum(1).cumsum(0).to(at::kInt)});
    return outliers;
}

core::Status requireFinite(const Parts& parts, const Format& format)
{
    const auto isFinite = [](const at::Tensor& tensor) {
        return !tensor.defined() || tensor.isfinite().all().item<bool>();
    };
    if (isFinite(parts.scales.values(format.scaleGroupSize)) &&
        (!format.storesZeros() || isFinite(parts.zeros.values(format.scaleGroupSize))) &&
        isFinite(parts.outliers.values))
        return core::success();
    return core::Error {core::ErrorCode::Numerical, "a scale, zero or outlier is beyond the range of float16",
                        "try more damping or more calibration tokens, or exclude this module"};
}

} // namespace

core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask)
{
    const at::Tensor work = engine::toHost(weight).masked_fill(engine::toHost(hessian.dead).unsqueeze(0), 0.0);
    const bool reorders = options.order != ActivationOrder::None;
    const at::Tensor order = engine::toHost(hessian.order);
    const auto inOrder = [&](const at::Tensor& tensor) { return reorders ? tensor.index_select(1, order) : tensor; };
    const auto asStored = [&](const at::Tensor& tensor) {
        return reorders ? at::empty_like(tensor).index_copy_(1, order, tensor) : tensor;
    };
    // Without a factor no error moves into other columns.
    const at::Tensor factor =
        hessian.factor.defined() ? engine::toHost(hessian.factor).contiguous() : at::eye(order.size(0), at::kFloat);
    Elimination elimination(inOrder(work), factor, order, options,
                            mask.defined() ? inOrder(engine::toHost(mask)).contiguous() : at::Tensor());
    elimination.run();

    Quantized result;
    result.parts.codes = asStored(elimination.codes());
    result.parts.scales = elimination.scales();
    if (options.format.storesZeros())
        result.parts.zeros = elimination.zeros();
    if (options.order == ActivationOrder::Dynamic)
        result.parts.columnGroups = order.argsort().floor_divide(options.format.groupSize).to(at::kInt);
    result.parts.outliers = compressed(asStored(elimination.outliers()));
    result.loss = elimination.loss();
    result.damping = hessian.damping;
    if (result.parts.outliers.values.defined())
        result.outlierShare = double(result.parts.outliers.values.size(0)) / double(weight.numel());
    PSC_TRY(requireFinite(result.parts, options.format));
    return result;
}

} // namespace paretoscope::spqr
