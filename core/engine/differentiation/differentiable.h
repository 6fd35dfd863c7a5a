// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/gradients.h"
#include "core/engine/plugin/workload.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>

namespace paretoscope::engine {

/// Operators of this thread are recorded for differentiation while it lives, also inside of inference mode.
class RecordingScope
{
    c10::InferenceMode m_noInference {false};
    at::AutoGradMode m_gradients {true};
};

/// Tensors that this thread makes while it lives may be recorded later; nothing is recorded yet.
class RecordableScope
{
    c10::InferenceMode m_noInference {false};
    at::NoGradGuard m_noGradients;
};

/// The values of `tensor`, shared where possible, as something to differentiate with respect to.
at::Tensor leafOf(const at::Tensor& tensor);

/// Tensors made in inference mode cannot be recorded; they are copied once.
at::Tensor recordable(const at::Tensor& tensor);

/// A source of tensors of which some are leaves of a graph, or replaced. For one thread.
class DifferentiableTensors : public TensorSource
{
public:
    /// @param base must outlive this and hold recordable tensors
    explicit DifferentiableTensors(const TensorSource& base)
        : m_base(base)
    {}
    /// @return the leaf that tensor() now gives for `name`
    const at::Tensor& addLeaf(const std::string& name);
    void set(const std::string& name, at::Tensor value) { m_own.insert_or_assign(name, std::move(value)); }

    at::Tensor tensor(std::string_view name) const override;

private:
    const TensorSource& m_base;
    NamedTensors m_own;
};

} // namespace paretoscope::engine
