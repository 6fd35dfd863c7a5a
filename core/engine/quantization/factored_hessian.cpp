// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/factored_hessian.h"

#include "core/engine/quantization/inverse_factor.h"

#include <utility>

namespace paretoscope::engine {

namespace {

struct Columns
{
    at::Tensor dead;
    at::Tensor diagonal; ///< float64, of dead inputs 1
    at::Tensor order;
};

Columns columnsOf(const at::Tensor& hessian, bool sorted)
{
    Columns columns;
    columns.diagonal = hessian.diagonal().to(at::kDouble).contiguous();
    columns.dead = columns.diagonal == 0;
    columns.diagonal.masked_fill_(columns.dead, 1.0);
    columns.order = sorted ? std::get<1>(columns.diagonal.sort(true, 0, true)) // stable
                           : at::arange(hessian.size(0), columns.diagonal.options().dtype(at::kLong));
    return columns;
}

/// The factor, empty without one, and the damping.
DerivedValue factorOf(const at::Tensor& hessian, const Columns& columns, double damping)
{
    std::optional<DampedFactor> made;
    if (!columns.dead.all().item<bool>())
        made = dampedInverseFactor(hessian.contiguous(), columns.diagonal, columns.order, damping);
    if (!made)
        return {at::empty({0}, hessian.options()), {{"damping", 0.0}}};
    return {std::move(made->factor), {{"damping", made->damping}}};
}

FactoredHessian assembled(Columns columns, DerivedValue made)
{
    FactoredHessian result;
    result.dead = std::move(columns.dead);
    result.order = std::move(columns.order);
    result.damping = made.note.at("damping").get<double>();
    if (made.value.numel() > 0)
        result.factor = std::move(made.value);
    return result;
}

} // namespace

FactoredHessian factorise(const at::Tensor& hessian, const FactorOptions& options)
{
    Columns columns = columnsOf(hessian, options.sorted);
    DerivedValue made = factorOf(hessian, columns, options.damping);
    return assembled(std::move(columns), std::move(made));
}

core::Result<FactoredHessian> factorise(StageTask& task, const Unit& unit, const FactorOptions& options)
{
    PSC_ASSIGN(const StatisticValue hessian, task.statistic(unit, "hessian"));
    Columns columns = columnsOf(hessian.value, options.sorted);
    const core::Json recipe {{"inverse_factor", 1}, {"sorted", options.sorted}, {"damping", options.damping}};
    DerivedValue made =
        task.derived(unit, "hessian", recipe, [&] { return factorOf(hessian.value, columns, options.damping); });
    return assembled(std::move(columns), std::move(made));
}

} // namespace paretoscope::engine
