// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/activations/activation_store.h"
#include "core/engine/plugin/workload.h"
#include "core/memory/memory_plan.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace paretoscope::engine {

/// The calibration samples on their way through the blocks of a model, stopping inside a block before every group of
/// units that read one activation. Samples either wait at a stop with all they need to go on, or (a memory plan without
/// `keepsPasses`) are computed again from the beginning of the block; both give the same numbers. Hooks may therefore
/// see a value more than once.
class CalibrationFlow
{
public:
    using Samples = std::vector<std::vector<std::int32_t>>;
    using Visitor = std::function<core::Status(std::size_t sample, const std::vector<StepInput>& inputs)>;

    /// Everything given must outlive the flow. Errors of all calls: Io (scratch disk full).
    CalibrationFlow(const CompressibleModel& model, const Samples& samples, const Hooks& hooks,
                    const core::MemoryPlan& memory, at::Device device = at::kCPU);

    core::Status enter(const TensorSource& tensors);
    /// All samples through the whole block.
    core::Status pass(int block, const TensorSource& tensors);

    /// Goes to the first step of `block`. `tensors` must outlive the block; replacing one of them affects the steps
    /// still to come. @param keepsStates the samples may enter the same block again
    core::Status begin(int block, const TensorSource& tensors, bool keepsStates);
    bool isThrough() const { return m_step >= m_model.steps(m_block); }
    /// The inputs of the current step, sample after sample, on the calling thread.
    core::Status visit(const Visitor& visitor) const;
    core::Status advance();
    /// Finishes the block: the samples enter the next one.
    core::Status finish();
    void abandon() { m_passes.clear(); } ///< leaves the block; the samples are where they entered it

    /// The states between two blocks, sample by sample.
    ActivationStore& states() { return m_states; }

private:
    std::size_t atOnce() const;
    core::Result<std::unique_ptr<BlockPass>> passOf(std::size_t sample, int steps) const;

    const CompressibleModel& m_model;
    const Samples& m_samples;
    const Hooks& m_hooks;
    const core::MemoryPlan& m_memory;
    const at::Device m_device;
    ActivationStore m_states;
    int m_block = -1;
    int m_step = 0;
    const TensorSource* m_tensors = nullptr;
    std::vector<std::unique_ptr<BlockPass>> m_passes; ///< empty unless they are kept
};

} // namespace paretoscope::engine
