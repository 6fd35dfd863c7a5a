// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/engine/kernels/transformer.h"
#include "core/engine/plugin/workload.h"

#include <string>

namespace paretoscope::engine {

/// Names of the activations that the units of one decoder block read (Unit::input).
struct DecoderInputs
{
    explicit DecoderInputs(const core::BlockSpec& spec);
    std::string attention;       ///< read by query, key and value
    std::string attentionOutput; ///< read by the output projection
    std::string mlp;             ///< read by gate and up
    std::string mlpHidden;       ///< read by the down projection
};

/// h += attention(norm(h)); h += mlp(norm(h)), for one sequence from position 0.
class DecoderPass : public BlockPass
{
public:
    static constexpr int kSteps = 4;

    /// @param state [tokens, hidden]; spec, tables and hooks must outlive the pass
    DecoderPass(const core::BlockSpec& spec, const RotaryTables& tables, int block, int sample, at::Tensor state,
                const TensorSource& tensors, const Hooks& hooks);

    std::vector<StepInput> inputs() const override;
    void advance(const TensorSource& tensors) override;
    at::Tensor output() const override { return m_residual; }

private:
    void attend(const TensorSource& tensors);
    void addAttention(const TensorSource& tensors);
    void widen(const TensorSource& tensors);
    void addMlp(const TensorSource& tensors);
    at::Tensor norm(const core::NormSpec& spec, const TensorSource& tensors) const;
    at::Tensor visit(HookPoint point, at::Tensor value) const;

    const core::BlockSpec& m_spec;
    const RotaryTables& m_tables;
    DecoderInputs m_names;
    const Hooks& m_hooks;
    int m_block;
    int m_sample;
    int m_step = 0;
    at::Tensor m_residual; ///< the stream that both halves add to
    at::Tensor m_input;    ///< what the units of the current step read
};

} // namespace paretoscope::engine
