// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/metric.h"

#include <cstdint>
#include <span>
#include <vector>

namespace paretoscope::engine {

/// Collects the negative log-likelihoods of given targets; the part that likelihood metrics share.
class TokenLosses
{
public:
    /// The logits at position firstScored + i of `input` score `targets[i]`.
    void addTargets(std::vector<std::int32_t> input, std::vector<std::int32_t> targets, std::size_t firstScored);
    /// A window of text: the logits at the positions from `firstScored` on score the token that follows.
    void addWindow(std::vector<std::int32_t> ids, std::size_t firstScored);

    const std::vector<MetricSequence>& sequences() const { return m_sequences; }
    /// As Metric::consume: different sequences may come on different threads.
    void consume(int sequence, int begin, const at::Tensor& logits);
    /// Nats, in the order of positions.
    std::span<const double> losses(std::size_t sequence) const { return m_losses[sequence]; }

private:
    std::vector<MetricSequence> m_sequences;
    std::vector<std::vector<std::int32_t>> m_targets; ///< of the scored positions
    std::vector<std::vector<double>> m_losses;
};

} // namespace paretoscope::engine
