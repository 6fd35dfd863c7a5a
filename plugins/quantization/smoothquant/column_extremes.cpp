// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/smoothquant/column_extremes.h"

namespace paretoscope::smoothquant {

std::unique_ptr<engine::Statistic> ColumnExtremes::make(const core::Json&)
{
    return std::make_unique<ColumnExtremes>();
}

void ColumnExtremes::add(const at::Tensor& x)
{
    if (x.size(0) == 0)
        return;
    take(at::stack({x.amin(0), x.amax(0)}));
    m_samples += x.size(0);
}

void ColumnExtremes::merge(const engine::Statistic& other)
{
    const auto& more = static_cast<const ColumnExtremes&>(other);
    if (more.m_extremes.defined())
        take(more.m_extremes);
    m_samples += more.m_samples;
}

void ColumnExtremes::take(const at::Tensor& extremes)
{
    m_extremes = m_extremes.defined()
                     ? at::stack({at::min(m_extremes[0], extremes[0]), at::max(m_extremes[1], extremes[1])})
                     : extremes;
}

} // namespace paretoscope::smoothquant
