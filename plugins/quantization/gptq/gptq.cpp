// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/gptq/gptq.h"

#include "core/engine/device/transfer.h"
#include "plugins/quantization/gptq/inverse_factor.h"

#include <ATen/Parallel.h>

#include <algorithm>
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

/// The column-by-column elimination, on a weight whose columns are already in the order of work.
class Elimination
{
public:
    Elimination(at::Tensor weight, at::Tensor factor, const Options& options, std::vector<std::int64_t> order,
                std::optional<engine::AffineGrids> fixedGrids)
        : m_weight(std::move(weight))
        , m_factor(std::move(factor))
        , m_options(options)
        , m_order(std::move(order))
        , m_rows(m_weight.size(0))
        , m_columns(m_weight.size(1))
        , m_groupSize(options.grid.groupSizeFor(m_columns))
        , m_fixedGrids(fixedGrids.has_value())
        , m_codes(at::empty({m_rows, m_columns}, at::kByte))
        , m_losses(static_cast<std::size_t>(m_rows))
    {
        const std::int64_t groups = options.grid.groups(m_columns);
        m_grids = fixedGrids ? std::move(*fixedGrids)
                             : engine::AffineGrids {at::empty({m_rows, groups}, at::kFloat),
                                                    at::empty({m_rows, groups}, at::kFloat)};
    }

    void run()
    {
        for (std::int64_t begin = 0; begin < m_columns; begin += m_options.blockSize) {
            const std::int64_t end = std::min(begin + m_options.blockSize, m_columns);
            at::Tensor errors = at::empty({m_rows, end - begin}, at::kFloat);
            at::parallel_for(0, m_rows, 8, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t row = first; row < last; ++row)
                    eliminateRow(row, begin, end, errors.mutable_data_ptr<float>() + row * (end - begin));
            });
            if (end < m_columns)
                m_weight.narrow(1, end, m_columns - end)
                    .addmm_(errors, m_factor.narrow(0, begin, end - begin).narrow(1, end, m_columns - end), 1, -1);
        }
    }

    const at::Tensor& codes() const { return m_codes; } ///< in the order of work
    engine::AffineGrids grids() const { return m_grids; }
    double loss() const
    {
        double sum = 0;
        for (const double loss : m_losses)
            sum += loss;
        return sum;
    }

private:
    /// Quantises the columns [begin, end) of one row. `errors` [end - begin] receives the scaled errors.
    void eliminateRow(std::int64_t row, std::int64_t begin, std::int64_t end, float* errors)
    {
        float* weight = m_weight.mutable_data_ptr<float>() + row * m_columns;
        const float* factor = m_factor.const_data_ptr<float>();
        std::uint8_t* codes = m_codes.mutable_data_ptr<std::uint8_t>() + row * m_columns;
        const auto levels = static_cast<float>(m_options.grid.levels());
        double loss = 0;
        for (std::int64_t column = begin; column < end; ++column) {
            const engine::AffineGrid grid = gridAt(row, column, begin, end, errors);
            const float* factorRow = factor + column * m_columns;
            const float code = grid.code(weight[column], levels);
            const float error = (weight[column] - grid.dequantize(code)) / factorRow[column];
            codes[column] = static_cast<std::uint8_t>(code);
            errors[column - begin] = error;
            loss += double(error) * double(error);
            for (std::int64_t k = column + 1; k < end; ++k)
                weight[k] -= error * factorRow[k];
        }
        m_losses[static_cast<std::size_t>(row)] += loss;
    }

    engine::AffineGrid gridAt(std::int64_t row, std::int64_t column, std::int64_t begin, std::int64_t end,
                              const float* errors)
    {
        const std::int64_t groups = m_grids.scales.size(1);
        const std::int64_t group = (m_fixedGrids ? m_order[static_cast<std::size_t>(column)] : column) / m_groupSize;
        float* scale = m_grids.scales.mutable_data_ptr<float>() + row * groups + group;
        float* zero = m_grids.zeros.mutable_data_ptr<float>() + row * groups + group;
        if (!m_fixedGrids && column % m_groupSize == 0) {
            const engine::AffineGrid fitted = fitFresh(row, column, begin, end, errors);
            *scale = fitted.scale;
            *zero = fitted.zero;
        }
        return {*scale, *zero};
    }

    /// Fits the group that begins at `column`. Columns from `end` on still lack the errors of this block.
    engine::AffineGrid fitFresh(std::int64_t row, std::int64_t column, std::int64_t begin, std::int64_t end,
                                const float* errors) const
    {
        const float* weight = m_weight.const_data_ptr<float>() + row * m_columns;
        const std::int64_t last = std::min(column + m_groupSize, m_columns);
        if (last <= end || column == begin)
            return engine::fitGrid(weight + column, last - column, m_options.grid);
        std::vector<float> fresh(weight + column, weight + last);
        const float* factor = m_factor.const_data_ptr<float>();
        for (std::int64_t done = begin; done < column; ++done) {
            for (std::int64_t k = end; k < last; ++k)
                fresh[static_cast<std::size_t>(k - column)] -= errors[done - begin] * factor[done * m_columns + k];
        }
        return engine::fitGrid(fresh.data(), last - column, m_options.grid);
    }

    at::Tensor m_weight;
    at::Tensor m_factor;
    const Options& m_options;
    std::vector<std::int64_t> m_order; ///< original column at every place
    std::int64_t m_rows;
    std::int64_t m_columns;
    std::int64_t m_groupSize;
    bool m_fixedGrids;
    at::Tensor m_codes;
    engine::AffineGrids m_grids;
    std::vector<double> m_losses; ///< per row
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

    // Row by row on the host, wherever the factor was made.
    if (fixedGrids)
        *fixedGrids = engine::AffineGrids {engine::toHost(fixedGrids->scales), engine::toHost(fixedGrids->zeros)};
    const at::Tensor places = engine::toHost(order);
    const std::int64_t* place = places.const_data_ptr<std::int64_t>();
    Elimination elimination(engine::toHost(work), engine::toHost(inverted->factor), options,
                            {place, place + places.size(0)}, std::move(fixedGrids));
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
