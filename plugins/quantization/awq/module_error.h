// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/replay.h"

#include <cstdint>
#include <vector>

namespace paretoscope::awq {

/// How far the output of a whole attention or MLP moves when weights of it are replaced: mean squared difference over
/// some calibration sequences, with all other weights as they were when the block was opened.
class ModuleError
{
public:
    /// @param range the steps of the module; @param readBy the weight [out, features] of the layer that reads what
    /// these steps give and with which the module ends; undefined where they run to the end of the block
    /// @param samples indices of the sequences. Errors: those of BlockReplay::run.
    static core::Result<ModuleError> open(engine::BlockReplay& replay, engine::ReplayRange range, at::Tensor readBy,
                                          std::vector<int> samples);

    /// @param weights by tensor name. Errors: those of BlockReplay::run. Deterministic for equal threads.
    core::Result<double> of(engine::NamedTensors weights) const;

private:
    ModuleError(engine::BlockReplay& replay, engine::ReplayRange range, at::Tensor readBy, std::vector<int> samples)
        : m_replay(&replay)
        , m_range(range)
        , m_readBy(std::move(readBy))
        , m_samples(std::move(samples))
    {}

    engine::BlockReplay* m_replay;
    engine::ReplayRange m_range;
    at::Tensor m_readBy;
    std::vector<int> m_samples;
    std::vector<at::Tensor> m_before; ///< what the steps give, per sample, with the weights as they were
};

/// Indices of sequences at equal distances that have about `tokens` tokens together; one at least.
/// @param totalTokens of all `sequences`
std::vector<int> chooseSequences(int sequences, std::int64_t totalTokens, std::int64_t tokens);

} // namespace paretoscope::awq
