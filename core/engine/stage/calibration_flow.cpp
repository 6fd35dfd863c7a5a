// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/calibration_flow.h"

#include "core/engine/device/transfer.h"
#include "core/engine/parallel.h"

#include <ATen/Parallel.h>

namespace paretoscope::engine {

CalibrationFlow::CalibrationFlow(const CompressibleModel& model, const Samples& samples, const Hooks& hooks,
                                 const core::MemoryPlan& memory, at::Device device)
    : m_model(model)
    , m_samples(samples)
    , m_hooks(hooks)
    , m_memory(memory)
    , m_device(device)
    , m_states(samples.size(), memory.activations, memory.scratch, device)
{}

std::size_t CalibrationFlow::atOnce() const
{
    return std::min(m_memory.inFlight, samplesAtOnce(m_device));
}

core::Status CalibrationFlow::enter(const TensorSource& tensors)
{
    return tryForEachSample(
        m_samples.size(),
        [&](std::size_t sample) { return m_states.put(sample, m_model.enter(m_samples[sample], tensors)); }, atOnce());
}

core::Status CalibrationFlow::pass(int block, const TensorSource& tensors)
{
    PSC_TRY(begin(block, tensors, false));
    while (!isThrough())
        PSC_TRY(advance());
    return finish();
}

core::Status CalibrationFlow::begin(int block, const TensorSource& tensors, bool keepsStates)
{
    m_block = block;
    m_step = 0;
    m_tensors = &tensors;
    m_passes.clear();
    if (!m_memory.keepsPasses)
        return core::success();
    m_passes.resize(m_samples.size());
    return tryForEachSample(
        m_samples.size(),
        [&](std::size_t sample) -> core::Status {
            PSC_ASSIGN(at::Tensor state, keepsStates ? m_states.get(sample) : m_states.take(sample));
            m_passes[sample] = m_model.begin(block, static_cast<int>(sample), std::move(state), tensors, m_hooks);
            return core::success();
        },
        atOnce());
}

core::Result<std::unique_ptr<BlockPass>> CalibrationFlow::passOf(std::size_t sample, int steps) const
{
    PSC_ASSIGN(at::Tensor state, m_states.get(sample));
    auto pass = m_model.begin(m_block, static_cast<int>(sample), std::move(state), *m_tensors, m_hooks);
    for (int step = 0; step < steps; ++step)
        pass->advance(*m_tensors);
    return pass;
}

core::Status CalibrationFlow::visit(const Visitor& visitor) const
{
    for (std::size_t sample = 0; sample < m_passes.size(); ++sample)
        PSC_TRY(visitor(sample, m_passes[sample]->inputs()));
    if (!m_passes.empty())
        return core::success();
    const std::size_t together = std::min(atOnce(), static_cast<std::size_t>(at::get_num_threads()));
    for (std::size_t first = 0; first < m_samples.size(); first += together) {
        std::vector<std::unique_ptr<BlockPass>> passes(std::min(together, m_samples.size() - first));
        PSC_TRY(tryForEachSample(passes.size(), [&](std::size_t i) -> core::Status {
            PSC_ASSIGN(passes[i], passOf(first + i, m_step));
            return core::success();
        }));
        for (std::size_t i = 0; i < passes.size(); ++i)
            PSC_TRY(visitor(first + i, passes[i]->inputs()));
    }
    return core::success();
}

core::Status CalibrationFlow::advance()
{
    ++m_step;
    forEachSample(
        m_passes.size(), [&](std::size_t sample) { m_passes[sample]->advance(*m_tensors); }, atOnce());
    return core::success();
}

core::Status CalibrationFlow::finish()
{
    const int steps = m_model.steps(m_block);
    PSC_TRY(tryForEachSample(
        m_samples.size(),
        [&](std::size_t sample) -> core::Status {
            std::unique_ptr<BlockPass> pass;
            if (m_passes.empty()) {
                PSC_ASSIGN(pass, passOf(sample, steps));
            } else {
                pass = std::move(m_passes[sample]);
            }
            return m_states.put(sample, pass->output());
        },
        atOnce()));
    m_passes.clear();
    return core::success();
}

} // namespace paretoscope::engine
