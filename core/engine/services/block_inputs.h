// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/replay.h"
#include "core/engine/trial_observer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace paretoscope::engine {

/// What services that run calibration sequences depend on; all of it outlives them.
struct CalibrationContext
{
    const CompressibleModel& model;
    const ModelTensors& tensors;
    const std::vector<std::vector<std::int32_t>>& samples; ///< empty: the sweep names no calibration data
    const Hooks& hooks;
    TrialObserver& observer;
};

/// The activations of all calibration sequences on their way through the blocks of one source, kept at the block they
/// reached last, so that users that go on in order pay one forward pass in all.
class BlockInputs
{
public:
    BlockInputs(const CalibrationContext& context, ActivationSource source)
        : m_context(context)
        , m_source(source)
    {}

    /// What enters `block`, per sequence. Goes on from where it stands, or starts again where `block` lies before or a
    /// tensor on the way was replaced since.
    /// Errors: InvalidArgument (no calibration data, no such block); reading errors; Cancelled.
    core::Result<std::vector<at::Tensor>> at(int block);
    /// What leaves the last block, per sequence. Errors: as at().
    core::Result<std::vector<at::Tensor>> leavingLast();

    /// Looks at the current step of a pass; called for every step and sample, samples in parallel.
    using StepVisitor = std::function<void(std::size_t sample, const BlockPass& pass)>;
    /// Passes all sequences through `block` with `watching` behind the hooks. @param goOn the states move on with it;
    /// otherwise they stay before the block. Errors: as at().
    core::Status visit(int block, const Hooks& watching, const StepVisitor& visitor, bool goOn);

    /// The tensors of `block` as this source sees them.
    core::Result<LoadedTensors> load(const std::vector<std::string>& names) const;
    at::Device device() const { return m_context.tensors.device(); }
    /// Statistics of the original model do not see what a stage added at run time.
    const Hooks& hooks() const { return m_source == ActivationSource::Original ? m_noHooks : m_context.hooks; }

private:
    core::Status requireBlock(int block) const;
    core::Status moveTo(int block);
    using Replacements = std::vector<std::shared_ptr<const CompressedTensor>>;
    core::Status restart();
    core::Status pass(const Hooks& hooks, const StepVisitor& visitor, bool goOn);
    bool isStale() const;
    void remember(const std::vector<std::string>& names);

    const CalibrationContext& m_context;
    const ActivationSource m_source;
    const Hooks m_noHooks;
    int m_block = -1; ///< that m_states enter; -1: not started
    std::vector<at::Tensor> m_states;
    std::vector<std::string> m_passedNames; ///< tensors read so far, and
    Replacements m_passed;                  ///< what stood in their place then
    std::size_t m_hooksPassed = 0;
};

} // namespace paretoscope::engine
