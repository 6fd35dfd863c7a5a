// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/awq/module_error.h"

#include <algorithm>
#include <utility>

namespace paretoscope::awq {

core::Result<ModuleError> ModuleError::open(engine::BlockReplay& replay, engine::ReplayRange range, at::Tensor readBy,
                                            std::vector<int> samples)
{
    ModuleError error(replay, range, std::move(readBy), std::move(samples));
    PSC_ASSIGN(error.m_before, replay.run({range, {}, error.m_samples}));
    return error;
}

core::Result<double> ModuleError::of(engine::NamedTensors weights) const
{
    PSC_ASSIGN(const std::vector<at::Tensor> after, m_replay->run({m_range, std::move(weights), m_samples}));
    double sum = 0;
    double elements = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
        const at::Tensor moved = after[i] - m_before[i];
        const at::Tensor output = m_readBy.defined() ? at::mm(moved, m_readBy.t()) : moved;
        sum += output.square().sum(at::kDouble).item<double>();
        elements += double(output.numel());
    }
    return sum / std::max(1.0, elements);
}

std::vector<int> chooseSequences(int sequences, std::int64_t totalTokens, std::int64_t tokens)
{
    const std::int64_t fitting = tokens * sequences / std::max<std::int64_t>(totalTokens, 1);
    const auto count = static_cast<int>(std::clamp<std::int64_t>(fitting, 1, sequences));
    std::vector<int> chosen;
    for (int i = 0; i < count; ++i)
        chosen.push_back(i * sequences / count);
    return chosen;
}

} // namespace paretoscope::awq
