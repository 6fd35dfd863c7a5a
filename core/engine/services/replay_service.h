// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/services/block_inputs.h"

namespace paretoscope::engine {

/// See Replay.
class ReplayService : public Replay
{
public:
    /// Shares the sequences on their way with other services.
    ReplayService(const CalibrationContext& context, BlockInputs& original, BlockInputs& current)
        : m_context(context)
        , m_original(original)
        , m_current(current)
    {}

    core::Result<std::unique_ptr<BlockReplay>> open(int block, ActivationSource source) override;

private:
    const CalibrationContext& m_context;
    BlockInputs& m_original;
    BlockInputs& m_current;
};

} // namespace paretoscope::engine
