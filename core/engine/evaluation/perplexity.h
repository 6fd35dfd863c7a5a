// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/corpus/corpus.h"
#include "core/engine/plugin/metric.h"

#include <string>

namespace paretoscope::engine {

/// exp of the mean over windows of the mean negative log-likelihood per predicted token (specs evaluation 1.1, 1.2).
/// Standard error: windows are the independent units, sd(window means) / sqrt(windows) times the perplexity; with
/// score second-half tokens are (llama.cpp's convention). One window gives none.
class Perplexity : public Metric
{
public:
    Perplexity(core::WindowProtocol protocol, core::TokenSequences windows);

    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int begin, const at::Tensor& logits) override;
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    core::WindowProtocol m_protocol;
    core::Sha256Digest m_corpusDigest;
    core::Sha256Digest m_idsDigest;
    std::vector<MetricSequence> m_sequences;
    std::vector<std::vector<double>> m_losses; ///< per window, per predicted token; nats
};

} // namespace paretoscope::engine
