// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/column_elimination.h"

#include "core/engine/device/transfer.h"

#include <ATen/Parallel.h>

#include <numeric>
#include <utility>
#include <vector>

namespace paretoscope::engine {

ColumnElimination::ColumnElimination(EliminationStart start, const CardKernels* kernels)
    : m_kernels(kernels)
    , m_origin(start.weight.device())
    , m_rounds(start.rounds)
    , m_rule(start.grid)
    , m_fixedGrids(start.fixedGrids.has_value())
    , m_of(start.of)
    , m_keep(start.keep)
{
    const auto place = [&](const at::Tensor& tensor) { return kernels ? tensor.contiguous() : toHost(tensor); };
    m_weight = place(start.weight);
    m_factor = place(start.factor);
    m_order = place(start.order);
    const std::int64_t rows = m_weight.size(0);
    if (start.mask.defined())
        m_mask = place(start.mask);
    else if (m_of > 0)
        m_mask = at::ones({rows, columns()}, m_weight.options().dtype(at::kBool));
    m_losses = at::zeros({rows}, m_weight.options().dtype(at::kDouble));
    if (!m_rounds)
        return;
    const auto empty = [&](std::int64_t width) { return at::empty({rows, width}, m_weight.options()); };
    const std::int64_t groups = m_rule.groups(columns());
    m_grids = m_fixedGrids ? AffineGrids {place(start.fixedGrids->scales), place(start.fixedGrids->zeros)}
                           : AffineGrids {empty(groups), empty(groups)};
    m_codes = at::empty({rows, columns()}, m_weight.options().dtype(at::kByte));
    if (kernels && !m_fixedGrids)
        m_fresh = empty(m_rule.groupSizeFor(columns()));
}

void ColumnElimination::settle(std::int64_t begin, std::int64_t end)
{
    at::Tensor errors = at::empty({m_weight.size(0), end - begin}, m_weight.options());
    const GptqBlock block = blockOf(begin, end, errors);
    if (m_kernels)
        m_kernels->eliminate(block, m_fresh, m_weight.device());
    else
        settleOnHost(block);
    const std::int64_t left = columns() - end;
    if (left > 0)
        m_weight.narrow(1, end, left)
            .addmm_(errors, m_factor.narrow(0, begin, end - begin).narrow(1, end, left), 1, -1);
}

void ColumnElimination::setMask(std::int64_t begin, const at::Tensor& mask)
{
    m_mask.narrow(1, begin, mask.size(1)).copy_(mask);
}

double ColumnElimination::loss() const
{
    const at::Tensor losses = toHost(m_losses);
    const double* first = losses.const_data_ptr<double>();
    return std::accumulate(first, first + losses.numel(), 0.0);
}

at::Tensor ColumnElimination::toOrigin(const at::Tensor& tensor) const
{
    return tensor.defined() ? toDevice(tensor, m_origin) : tensor;
}

GptqBlock ColumnElimination::blockOf(std::int64_t begin, std::int64_t end, at::Tensor& errors)
{
    GptqBlock block;
    block.weight = m_weight.mutable_data_ptr<float>();
    block.factor = m_factor.const_data_ptr<float>();
    block.errors = errors.mutable_data_ptr<float>();
    block.losses = m_losses.mutable_data_ptr<double>();
    if (m_mask.defined())
        block.mask = static_cast<std::uint8_t*>(m_mask.mutable_data_ptr());
    block.of = m_of;
    block.keep = m_keep;
    block.rounds = m_rounds;
    block.rows = m_weight.size(0);
    block.columns = columns();
    block.begin = begin;
    block.end = end;
    if (!m_rounds)
        return block;
    block.codes = m_codes.mutable_data_ptr<std::uint8_t>();
    block.scales = m_grids.scales.mutable_data_ptr<float>();
    block.zeros = m_grids.zeros.mutable_data_ptr<float>();
    block.order = m_fixedGrids ? m_order.const_data_ptr<std::int64_t>() : nullptr;
    block.groups = m_grids.scales.size(1);
    block.groupSize = m_rule.groupSizeFor(columns());
    block.rule = m_rule;
    return block;
}

void ColumnElimination::settleOnHost(const GptqBlock& block) const
{
    at::parallel_for(0, block.rows, 8, [&](std::int64_t first, std::int64_t last) {
        std::vector<float> fresh(m_rounds && !m_fixedGrids ? static_cast<std::size_t>(block.groupSize) : 0);
        for (std::int64_t row = first; row < last; ++row)
            eliminateRow(OneLane(), block, row, fresh.data());
    });
}

} // namespace paretoscope::engine
