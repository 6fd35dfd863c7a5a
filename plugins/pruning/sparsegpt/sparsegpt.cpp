// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/sparsegpt/sparsegpt.h"

#include "core/engine/quantization/column_elimination.h"

#include <algorithm>
#include <utility>

namespace paretoscope::sparsegpt {

namespace {

/// Without inputs nothing tells which weights matter but their size.
core::Result<Pruned> byMagnitude(const at::Tensor& weight, const Options& options)
{
    Pruned result;
    result.mask = options.pattern.maskOf(weight.abs());
    result.weight = weight.masked_fill(result.mask.logical_not(), 0);
    if (options.grid) {
        PSC_ASSIGN(result.grids, engine::fitGrids(weight, *options.grid));
        result.codes = engine::quantizeToCodes(result.weight, result.grids, *options.grid);
    }
    return result;
}

/// One pass without rounding.
Pruned dropped(engine::EliminationStart start, const Options& options, const engine::CardKernels* kernels)
{
    const engine::SparsityPattern& pattern = options.pattern;
    const at::Tensor pivots = start.factor.diagonal();
    start.rounds = false;
    start.mask = at::ones(start.weight.sizes(), start.weight.options().dtype(at::kBool));
    start.of = pattern.of;
    start.keep = pattern.keep;
    engine::ColumnElimination elimination(std::move(start), kernels);
    for (std::int64_t begin = 0; begin < elimination.columns(); begin += options.blockSize) {
        const std::int64_t end = std::min(begin + options.blockSize, elimination.columns());
        if (!pattern.isNOfM()) {
            const at::Tensor block = elimination.weight().narrow(1, begin, end - begin);
            elimination.setMask(begin, pattern.maskOf((block / pivots.narrow(0, begin, end - begin)).abs_()));
        }
        elimination.settle(begin, end);
    }
    Pruned result;
    result.mask = elimination.mask();
    result.weight = elimination.weight().masked_fill(result.mask.logical_not(), 0);
    result.loss = elimination.loss();
    return result;
}

} // namespace

core::Result<Pruned> prune(const at::Tensor& weight, const engine::FactoredHessian& hessian, const Options& options)
{
    return prune(weight, hessian, options, engine::CardKernels::find(weight.device()));
}

core::Result<Pruned> prune(const at::Tensor& weight, const engine::FactoredHessian& hessian, const Options& options,
                           const engine::CardKernels* kernels)
{
    if (hessian.allDead())
        return byMagnitude(weight, options);
    if (!hessian.factor.defined())
        return core::Error {core::ErrorCode::Numerical,
                            "the Hessian of its inputs is not positive definite, not even with damping 1",
                            "use more calibration tokens, or exclude this module"};
    const auto start = [&] {
        return engine::EliminationStart {.weight = weight.masked_fill(hessian.dead.unsqueeze(0), 0),
                                         .factor = hessian.factor,
                                         .order = hessian.order};
    };
    Pruned result = dropped(start(), options, kernels);
    if (options.grid) {
        PSC_ASSIGN(result.grids, engine::fitGrids(result.weight, *options.grid));
        engine::EliminationStart again = start();
        again.grid = *options.grid;
        again.fixedGrids = result.grids;
        again.mask = result.mask;
        engine::ColumnElimination rounding(std::move(again), kernels);
        for (std::int64_t begin = 0; begin < rounding.columns(); begin += options.blockSize)
            rounding.settle(begin, std::min(begin + options.blockSize, rounding.columns()));
        result.codes = rounding.codes();
        result.loss = rounding.loss();
    }
    result.damping = hessian.damping;
    return result;
}

} // namespace paretoscope::sparsegpt
