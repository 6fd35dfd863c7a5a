// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

namespace paretoscope::pv_tuning {

/// Adam whose steps are relative to the size of what it moves, as LAMB's are: a learning rate serves tensors of any
/// magnitude.
class RelativeAdam
{
public:
    RelativeAdam(double firstDecay, double secondDecay)
        : m_firstDecay(firstDecay)
        , m_secondDecay(secondDecay)
    {}

    /// What to add to `value`: -learningRate * rms(value) * m / (sqrt(v) + eps). Zero where all gradients were zero.
    at::Tensor step(const at::Tensor& value, const at::Tensor& gradient, double learningRate);

private:
    double m_firstDecay;
    double m_secondDecay;
    double m_firstPower = 1;
    double m_secondPower = 1;
    at::Tensor m_first;
    at::Tensor m_second;
};

} // namespace paretoscope::pv_tuning
