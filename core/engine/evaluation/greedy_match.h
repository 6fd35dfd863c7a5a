// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/evaluation/metric_registry.h"
#include "core/evaluation/generation_protocol.h"

#include <string>

namespace paretoscope::engine {

/// The most likely tokens that a model puts behind each prompt, one after the other, as a full forward pass over prompt
/// and continuation has them: of equal logits the lowest id; no token ends the text.
///
/// Found by fixed-point iteration (Song et al., ICML 2021; Santilli et al., ACL 2023): a pass over a guess of the whole
/// continuation makes at least its next token right, usually more, so `tokens` passes are the most that are needed.
/// Every pass has the length of the result's own, which is why the model agrees with its continuation in every bit.
/// Continuations are kept in the cache. Errors: those of evaluate().
core::Result<std::vector<std::vector<std::int32_t>>>
greedyContinuations(const std::vector<std::vector<std::int32_t>>& prompts, int tokens, const WarmModel& model,
                    const MetricContext& context);

/// greedy_match: mean number of greedy tokens that agree with the baseline's before the first that differs (specs
/// evaluation 7). Up to there both have read the same text, so one pass over the baseline's continuation tells it.
/// Standard error: prompts are the units.
class GreedyMatch : public Metric
{
public:
    /// @param continuations of the baseline, one per prompt, equally long
    GreedyMatch(core::TokenSequences prompts, std::vector<std::vector<std::int32_t>> continuations,
                std::string protocolId);

    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int begin, const at::Tensor& logits) override;
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    std::string m_protocolId;
    core::Json m_identity;
    std::vector<MetricSequence> m_sequences;
    std::vector<std::vector<std::int32_t>> m_expected;
    std::vector<std::vector<std::int32_t>> m_found;
};

core::Result<std::unique_ptr<Metric>> makeGreedyMatch(const core::Json& options, const MetricContext& context);

} // namespace paretoscope::engine
