// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/block_inputs.h"

#include "core/engine/device/transfer.h"
#include "core/engine/differentiation/differentiable.h"
#include "core/engine/parallel.h"

#include <utility>

namespace paretoscope::engine {

core::Result<LoadedTensors> BlockInputs::load(const std::vector<std::string>& names) const
{
    return m_source == ActivationSource::Original ? LoadedTensors::loadOriginal(m_context.tensors, names)
                                                  : LoadedTensors::load(m_context.tensors, names);
}

core::Result<std::vector<at::Tensor>> BlockInputs::at(int block)
{
    PSC_TRY(requireBlock(block));
    PSC_TRY(moveTo(block));
    return m_states;
}

core::Result<std::vector<at::Tensor>> BlockInputs::leavingLast()
{
    PSC_TRY(moveTo(m_context.model.view().blocks));
    return m_states;
}

core::Status BlockInputs::visit(int block, const Hooks& watching, const StepVisitor& visitor, bool goOn)
{
    PSC_TRY(requireBlock(block));
    PSC_TRY(moveTo(block));
    Hooks all = hooks();
    all.insert(all.end(), watching.begin(), watching.end());
    return pass(all, visitor, goOn);
}

core::Status BlockInputs::requireBlock(int block) const
{
    if (block < 0 || block >= m_context.model.view().blocks)
        return core::Error {core::ErrorCode::InvalidArgument, "the model has no block " + std::to_string(block),
                            "blocks are counted from 0 to " + std::to_string(m_context.model.view().blocks - 1)};
    return core::success();
}

core::Status BlockInputs::moveTo(int block)
{
    if (m_context.samples.empty())
        return core::Error {core::ErrorCode::InvalidArgument,
                            "this stage needs calibration data, and the sweep names none",
                            "add `calibration: {corpus: FILE}` to the workload"};
    if (m_block < 0 || m_block > block || isStale())
        PSC_TRY(restart());
    while (m_block < block)
        PSC_TRY(pass(hooks(), {}, true));
    return core::success();
}

core::Status BlockInputs::restart()
{
    m_block = -1;
    m_passedNames.clear();
    m_passed.clear();
    m_hooksPassed = hooks().size();
    const std::vector<std::string> names = m_context.model.entryTensors();
    PSC_ASSIGN(const LoadedTensors entry, load(names));
    m_states.assign(m_context.samples.size(), {});
    forEachSample(
        m_states.size(),
        [&](std::size_t sample) {
            const RecordableScope recordable;
            m_states[sample] = m_context.model.enter(m_context.samples[sample], entry);
        },
        samplesAtOnce(m_context.tensors.device()));
    remember(names);
    m_block = 0;
    return core::success();
}

core::Status BlockInputs::pass(const Hooks& hooks, const StepVisitor& visitor, bool goOn)
{
    if (m_context.observer.isCancelled())
        return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
    const std::vector<std::string> names = m_context.model.blockTensors(m_block);
    PSC_ASSIGN(const LoadedTensors tensors, load(names));
    const int block = goOn ? std::exchange(m_block, -1) : m_block; // not started, should the pass fail
    const auto passSample = [&](std::size_t sample) {
        const RecordableScope recordable;
        at::Tensor state = goOn ? std::move(m_states[sample]) : m_states[sample];
        const auto run = m_context.model.begin(block, static_cast<int>(sample), std::move(state), tensors, hooks);
        while (!run->inputs().empty()) {
            if (visitor)
                visitor(sample, *run);
            run->advance(tensors);
        }
        if (goOn)
            m_states[sample] = run->output();
    };
    forEachSample(m_states.size(), passSample, samplesAtOnce(m_context.tensors.device()));
    if (goOn) {
        remember(names);
        m_block = block + 1;
    }
    return core::success();
}

bool BlockInputs::isStale() const
{
    if (m_source == ActivationSource::Original)
        return false;
    if (m_hooksPassed != hooks().size())
        return true;
    for (std::size_t i = 0; i < m_passed.size(); ++i) {
        if (m_context.tensors.replacement(m_passedNames[i]) != m_passed[i])
            return true;
    }
    return false;
}

void BlockInputs::remember(const std::vector<std::string>& names)
{
    for (const std::string& name : names) {
        m_passedNames.push_back(name);
        m_passed.push_back(m_context.tensors.replacement(name));
    }
}

} // namespace paretoscope::engine
