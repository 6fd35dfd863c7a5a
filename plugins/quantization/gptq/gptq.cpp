// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/gptq/gptq.h"

#include "core/engine/device/transfer.h"
#include "plugins/quantization/gptq/inverse_factor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

namespace paretoscope::gptq {

namespace {

struct Damped
{
    at::Tensor factor;
    double damping = 0;
};

/// Ten times more damping until the factorisation succeeds, 1 at most.
std::optional<Damped> dampAndInvert(const at::Tensor& hessian, const at::Tensor& diagonal, const at::Tensor& order,
                                    double damping)
{
    const double meanDiagonal = diagonal.mean().item<double>();
    for (double tried = damping; tried <= 1.0 + 1e-9; tried *= 10) {
        if (auto factor = inverseFactor(hessian, diagonal, order, tried * meanDiagonal))
            return Damped {std::move(*factor), tried};
    }
    return std::nullopt;
}

/// The column-by-column elimination, on a weight whose columns are already in the order of work; all on one device.
class Elimination
{
public:
    /// @param order int64 [in]: the original column at every place; @param kernels null: on the host
    Elimination(at::Tensor weight, at::Tensor factor, const Options& options, at::Tensor order,
                std::optional<engine::AffineGrids> fixedGrids, const engine::CardKernels* kernels)
        : m_weight(std::move(weight))
        , m_factor(factor.contiguous())
        , m_options(options)
        , m_order(std::move(order))
        , m_kernels(kernels)
        , m_rows(m_weight.size(0))
        , m_columns(m_weight.size(1))
        , m_groupSize(options.grid.groupSizeFor(m_columns))
        , m_fixedGrids(fixedGrids.has_value())
        , m_codes(at::empty({m_rows, m_columns}, m_weight.options().dtype(at::kByte)))
        , m_losses(at::zeros({m_rows}, m_weight.options().dtype(at::kDouble)))
    {
        const auto empty = [&](std::int64_t width) { return at::empty({m_rows, width}, m_weight.options()); };
        const std::int64_t groups = options.grid.groups(m_columns);
        m_grids = fixedGrids ? std::move(*fixedGrids) : engine::AffineGrids {empty(groups), empty(groups)};
        if (m_kernels && !m_fixedGrids)
            m_fresh = empty(m_groupSize);
    }

    void run()
    {
        for (std::int64_t begin = 0; begin < m_columns; begin += m_options.blockSize) {
            const std::int64_t end = std::min(begin + m_options.blockSize, m_columns);
            at::Tensor errors = at::empty({m_rows, end - begin}, m_weight.options());
            const engine::GptqBlock block = blockOf(begin, end, errors);
            if (m_kernels)
                m_kernels->eliminate(block, m_fresh, m_weight.device());
            else
                eliminateOnHost(block);
            if (end < m_columns)
                m_weight.narrow(1, end, m_columns - end)
                    .addmm_(errors, m_factor.narrow(0, begin, end - begin).narrow(1, end, m_columns - end), 1, -1);
        }
    }

    const at::Tensor& codes() const { return m_codes; } ///< in the order of work
    engine::AffineGrids grids() const { return m_grids; }
    double loss() const
    {
        const at::Tensor losses = engine::toHost(m_losses);
        const double* first = losses.const_data_ptr<double>();
        return std::accumulate(first, first + m_rows, 0.0);
    }

private:
    engine::GptqBlock blockOf(std::int64_t begin, std::int64_t end, at::Tensor& errors)
    {
        engine::GptqBlock block;
        block.weight = m_weight.mutable_data_ptr<float>();
        block.factor = m_factor.const_data_ptr<float>();
        block.codes = m_codes.mutable_data_ptr<std::uint8_t>();
        block.scales = m_grids.scales.mutable_data_ptr<float>();
        block.zeros = m_grids.zeros.mutable_data_ptr<float>();
        block.errors = errors.mutable_data_ptr<float>();
        block.losses = m_losses.mutable_data_ptr<double>();
        block.order = m_fixedGrids ? m_order.const_data_ptr<std::int64_t>() : nullptr;
        block.rows = m_rows;
        block.columns = m_columns;
        block.groups = m_grids.scales.size(1);
        block.groupSize = m_groupSize;
        block.begin = begin;
        block.end = end;
        block.rule = m_options.grid;
        return block;
    }

    void eliminateOnHost(const engine::GptqBlock& block) const
    {
        at::parallel_for(0, m_rows, 8, [&](std::int64_t first, std::int64_t last) {
            std::vector<float> fresh(m_fixedGrids ? 0 : static_cast<std::size_t>(m_groupSize));
            for (std::int64_t row = first; row < last; ++row)
                engine::eliminateRow(engine::OneLane(), block, row, fresh.data());
        });
    }

    at::Tensor m_weight;
    at::Tensor m_factor;
    const Options& m_options;
    at::Tensor m_order;
    const engine::CardKernels* m_kernels;
    std::int64_t m_rows;
    std::int64_t m_columns;
    std::int64_t m_groupSize;
    bool m_fixedGrids;
    at::Tensor m_codes;
    engine::AffineGrids m_grids;
    at::Tensor m_losses; ///< float64 [rows]
    at::Tensor m_fresh;  ///< scratch of the kernel
};

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

core::Result<Quantized> quantize(const at::Tensor& weight, const at::Tensor& hessian, const Options& options)
{
    return quantize(weight, hessian, options, engine::CardKernels::find(weight.device()));
}

core::Result<Quantized> quantize(const at::Tensor& weight, const at::Tensor& hessian, const Options& options,
                                 const engine::CardKernels* kernels)
{
    at::Tensor work = weight.clone();
    at::Tensor diagonal = hessian.diagonal().to(at::kDouble).contiguous();
    // An input that is always zero: no weight on it matters.
    const at::Tensor dead = diagonal == 0;
    diagonal.masked_fill_(dead, 1.0);
    work.masked_fill_(dead.unsqueeze(0), 0.0);
    if (dead.all().item<bool>())
        return roundOnly(weight, options);

    const bool reorder = options.order != ActivationOrder::None;
    const at::Tensor order = reorder ? std::get<1>(diagonal.sort(true, 0, true)) // stable: ties by index
                                     : at::arange(diagonal.size(0), diagonal.options().dtype(at::kLong));
    std::optional<engine::AffineGrids> fixedGrids;
    if (options.order == ActivationOrder::Static) {
        PSC_ASSIGN(fixedGrids, engine::fitGrids(work, options.grid));
    }
    if (reorder)
        work = work.index_select(1, order);
    auto inverted = dampAndInvert(hessian.contiguous(), diagonal, order, options.damping);
    if (!inverted)
        return roundOnly(weight, options);

    const auto place = [&](const at::Tensor& tensor) { return kernels ? tensor : engine::toHost(tensor); };
    if (fixedGrids)
        *fixedGrids = engine::AffineGrids {place(fixedGrids->scales), place(fixedGrids->zeros)};
    Elimination elimination(place(work), place(inverted->factor), options, place(order), std::move(fixedGrids),
                            kernels);
    elimination.run();

    Quantized result;
    const at::Tensor codes = engine::toDevice(elimination.codes(), weight.device());
    result.codes = reorder ? at::empty_like(codes).index_copy_(1, order, codes) : codes;
    result.grids = engine::AffineGrids {engine::toDevice(elimination.grids().scales, weight.device()),
                                        engine::toDevice(elimination.grids().zeros, weight.device())};
    if (options.order == ActivationOrder::Dynamic)
        result.columnGroups = columnGroupsOf(order, options.grid.groupSizeFor(weight.size(1)));
    result.loss = elimination.loss();
    result.damping = inverted->damping;
    if (!result.grids.scales.isfinite().all().item<bool>())
        return core::Error {core::ErrorCode::Numerical, "a group's scale is not finite",
                            "try scale_dtype float32, more damping or more calibration tokens"};
    return result;
}

} // namespace paretoscope::gptq
