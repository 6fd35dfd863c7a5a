// SPDX-License-Identifier: Apache-2.0
#include "core/engine/differentiation/gradient_sums.h"

namespace paretoscope::engine {

void GradientSums::add(const std::string& name, const at::Tensor& value, bool isSquared)
{
    if (!value.defined())
        return;
    at::Tensor& sum = m_sums[name];
    if (!sum.defined())
        sum = at::zeros(value.sizes(), value.options().dtype(at::kDouble));
    if (isSquared)
        sum.addcmul_(value.to(at::kDouble), value.to(at::kDouble));
    else
        sum.add_(value);
}

void GradientSums::finish(const std::string& name, const at::Tensor& like)
{
    if (--m_users.at(name) > 0)
        return;
    const at::Tensor sum = m_sums[name];
    m_sums.erase(name);
    m_visit(name, sum.defined() ? (sum * m_factor).to(at::kFloat) : at::zeros(like.sizes(), like.options()));
}

} // namespace paretoscope::engine
