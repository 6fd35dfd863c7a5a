// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/pv_tuning/relative_adam.h"

#include <cmath>

namespace paretoscope::pv_tuning {

at::Tensor RelativeAdam::step(const at::Tensor& value, const at::Tensor& gradient, double learningRate)
{
    if (!m_first.defined()) {
        m_first = at::zeros_like(gradient);
        m_second = at::zeros_like(gradient);
    }
    m_first.mul_(m_firstDecay).add_(gradient, 1 - m_firstDecay);
    m_second.mul_(m_secondDecay).addcmul_(gradient, gradient, 1 - m_secondDecay);
    m_firstPower *= m_firstDecay;
    m_secondPower *= m_secondDecay;
    const double size = std::sqrt(value.square().mean(at::kDouble).item<double>());
    const at::Tensor spread = (m_second / (1 - m_secondPower)).sqrt_();
    // Gradients have any magnitude: what guards against dividing by nothing is relative to them.
    const double smallest = 1e-6 * spread.mean(at::kDouble).item<double>() + 1e-30;
    return (m_first / (1 - m_firstPower)).div_(spread.add_(smallest)).mul_(-learningRate * size);
}

} // namespace paretoscope::pv_tuning
