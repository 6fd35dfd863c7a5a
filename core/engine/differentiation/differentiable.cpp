// SPDX-License-Identifier: Apache-2.0
#include "core/engine/differentiation/differentiable.h"

namespace paretoscope::engine {

at::Tensor recordable(const at::Tensor& tensor)
{
    if (!tensor.defined() || !tensor.is_inference())
        return tensor;
    const RecordingScope recording;
    return tensor.clone();
}

at::Tensor leafOf(const at::Tensor& tensor)
{
    return recordable(tensor).detach().requires_grad_();
}

const at::Tensor& DifferentiableTensors::addLeaf(const std::string& name)
{
    return m_own.insert_or_assign(name, leafOf(tensor(name))).first->second;
}

at::Tensor DifferentiableTensors::tensor(std::string_view name) const
{
    const auto found = m_own.find(name);
    return found == m_own.end() ? m_base.tensor(name) : found->second;
}

} // namespace paretoscope::engine
