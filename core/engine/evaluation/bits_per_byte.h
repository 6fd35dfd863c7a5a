// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/evaluation/token_losses.h"
#include "core/evaluation/document_protocol.h"

namespace paretoscope::engine {

/// Σ negative log-likelihood in bits over Σ UTF-8 bytes of the text that the scored tokens stand for; compares models
/// with different tokenizers (specs evaluation 3). Standard error: documents are the units of a ratio (delta method),
/// of a single document its windows.
class BitsPerByte : public Metric
{
public:
    BitsPerByte(core::DocumentProtocol protocol, core::DocumentWindows windows);

    const std::vector<MetricSequence>& sequences() const override { return m_losses.sequences(); }
    void consume(int sequence, int begin, const at::Tensor& logits) override
    {
        m_losses.consume(sequence, begin, logits);
    }
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    core::DocumentProtocol m_protocol;
    core::DocumentWindows m_windows;
    TokenLosses m_losses;
};

core::Result<std::unique_ptr<Metric>> makeBitsPerByte(const core::Json& options, const MetricContext& context);

} // namespace paretoscope::engine
