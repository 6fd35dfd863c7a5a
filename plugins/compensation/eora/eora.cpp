// SPDX-License-Identifier: Apache-2.0
#include "plugins/compensation/eora/eora.h"

#include <utility>

namespace paretoscope::eora {

namespace {

/// tr(D Ω Dᵀ) in float64.
double costOf(const at::Tensor& difference, const at::Tensor& omega)
{
    const at::Tensor d = difference.to(at::kDouble);
    if (!omega.defined())
        return d.square().sum().item<double>();
    const at::Tensor wide = omega.to(at::kDouble);
    return (omega.dim() == 1 ? d.square() * wide : at::mm(d, wide).mul_(d)).sum().item<double>();
}

} // namespace

core::Result<Adapter> adapterFor(const at::Tensor& error, const at::Tensor& omega, std::int64_t rank,
                                 const engine::FactorFormat& format)
{
    PSC_ASSIGN(auto adapter, engine::store(engine::truncate(error, omega, rank), format));
    const double before = costOf(error, omega);
    const double after = costOf(error - adapter->dequantize(), omega);
    return Adapter {std::move(adapter), before > 0 ? after / before : 0};
}

} // namespace paretoscope::eora
