// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/corpus/corpus.h"
#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/evaluation/token_losses.h"

#include <string>

namespace paretoscope::engine {

/// The first position of a window whose next token is scored: all, half of it (llama.cpp), or, where windows overlap,
/// only what the window before did not score. @param index of the window among those that are evaluated
int firstScoredPosition(const core::WindowProtocol& protocol, int length, std::size_t index);

/// exp of the mean negative log-likelihood per predicted token (specs evaluation 1.1 to 1.3): the mean over windows of
/// their means; where windows overlap and so score unequally many tokens, over tokens.
/// Standard error: windows are the independent units, sd(window means) / sqrt(windows) times the perplexity (of a ratio
/// where they overlap); with score second-half tokens are (llama.cpp's convention). One window gives none.
class Perplexity : public Metric
{
public:
    Perplexity(core::WindowProtocol protocol, core::TokenSequences windows);

    const std::vector<MetricSequence>& sequences() const override { return m_losses.sequences(); }
    void consume(int sequence, int begin, const at::Tensor& logits) override
    {
        m_losses.consume(sequence, begin, logits);
    }
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    core::WindowProtocol m_protocol;
    core::Sha256Digest m_corpusDigest;
    core::Sha256Digest m_idsDigest;
    TokenLosses m_losses;
};

core::Result<std::unique_ptr<Metric>> makePerplexity(const core::Json& options, const MetricContext& context);

} // namespace paretoscope::engine
