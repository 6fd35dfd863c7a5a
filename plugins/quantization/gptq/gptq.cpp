// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/gptq/gptq.h"

#include "core/engine/quantization/column_elimination.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace paretoscope::gptq {

namespace {

core::Result<Quantized> roundOnly(const at::Tensor& weight, const Options& options)
{
    Quantized result;
    PSC_ASSIGN(result.grids, engine::fitGrids(weight, options.grid));
    result.codes = engine::quantizeToCodes(weight, result.grids, options.grid);
    return result;
}

at::Tensor columnGroupsOf(const at::Tensor& order, std::int64_t groupSize)
{
    at::Tensor groups = at::empty({order.size(0)}, order.options().dtype(at::kInt));
    groups.index_put_({order}, at::floor_divide(at::arange(order.size(0), order.options()), groupSize).to(at::kInt));
    return groups;
}

} // namespace

core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask)
{
    return quantize(weight, hessian, options, mask, engine::CardKernels::find(weight.device()));
}

core::Result<Quantized> quantize(const at::Tensor& weight, const engine::FactoredHessian& hessian,
                                 const Options& options, const at::Tensor& mask, const engine::CardKernels* kernels)
{
    if (!hessian.factor.defined())
        return roundOnly(weight, options);
    const at::Tensor work = weight.masked_fill(hessian.dead.unsqueeze(0), 0.0);
    const bool reorder = options.order != ActivationOrder::None;
    const at::Tensor& order = hessian.order;
    engine::EliminationStart start;
    start.grid = options.grid;
    start.order = order;
    if (options.order == ActivationOrder::Static) {
        PSC_ASSIGN(start.fixedGrids, engine::fitGrids(work, options.grid));
    }
    const auto inWorkOrder = [&](const at::Tensor& tensor) { return reorder ? tensor.index_select(1, order) : tensor; };
    start.weight = inWorkOrder(work);
    if (mask.defined())
        start.mask = inWorkOrder(mask);
    start.factor = hessian.factor;

    engine::ColumnElimination elimination(std::move(start), kernels);
    for (std::int64_t begin = 0; begin < elimination.columns(); begin += options.blockSize)
        elimination.settle(begin, std::min(begin + options.blockSize, elimination.columns()));

    Quantized result;
    const at::Tensor codes = elimination.codes();
    result.codes = reorder ? at::empty_like(codes).index_copy_(1, order, codes) : codes;
    result.grids = elimination.grids();
    if (options.order == ActivationOrder::Dynamic)
        result.columnGroups = columnGroupsOf(order, options.grid.groupSizeFor(weight.size(1)));
    result.loss = elimination.loss();
    result.damping = hessian.damping;
    if (!result.grids.scales.isfinite().all().item<bool>())
        return core::Error {core::ErrorCode::Numerical, "a group's scale is not finite",
                            "try scale_dtype float32, more damping or more calibration tokens"};
    return result;
}

} // namespace paretoscope::gptq
