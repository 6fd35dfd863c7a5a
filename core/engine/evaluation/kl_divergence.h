// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/corpus/corpus.h"
#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/evaluation/reference_states.h"
#include "core/engine/kernels/divergence.h"

#include <mutex>
#include <string>

namespace paretoscope::engine {

/// How far a model is from the baseline, token by token over windows of a text (specs evaluation 4):
///   kl_divergence    mean KL(baseline || model) in nats
///   top1_agreement   share of positions whose most likely token is the baseline's; 1 - it is the flip rate
/// Details: percentiles of KL and of the change of the next token's probability, the paired ratio of perplexities.
/// Standard error: windows are the units (tokens of a window depend on each other); the one of llama.cpp, where tokens
/// are, is in the details. Positions where KL is infinite are counted and left out, with a flag.
class KlDivergence : public Metric
{
public:
    KlDivergence(core::WindowProtocol protocol, core::TokenSequences windows, std::string protocolId,
                 std::unique_ptr<ReferenceStates> reference);

    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int begin, const at::Tensor& logits) override;
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    struct Window
    {
        at::Tensor states; ///< of the baseline; only while the window's logits come in
        std::vector<TokenDivergence> tokens;
    };

    core::Status compare(std::size_t index, int begin, const at::Tensor& logits);
    core::MetricRecord divergence() const;
    core::MetricRecord agreement() const;

    std::string m_protocolId;
    core::Json m_identity; ///< hashes for the details
    std::unique_ptr<ReferenceStates> m_reference;
    std::vector<MetricSequence> m_sequences;
    std::vector<Window> m_windows;
    std::mutex m_mutex;
    core::Status m_problem = core::success();
};

core::Result<std::unique_ptr<Metric>> makeKlDivergence(const core::Json& options, const MetricContext& context);

} // namespace paretoscope::engine
