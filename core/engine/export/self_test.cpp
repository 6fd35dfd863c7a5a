// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/self_test.h"

#include "core/engine/device/transfer.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kLength = 128;
constexpr std::int64_t kSequences = 8;
constexpr std::int64_t kMostLogits = std::int64_t(1) << 27; ///< held at once: 512 MiB

std::vector<MetricSequence> sequencesFor(std::int64_t vocabulary)
{
    std::mt19937 random(1);
    const std::int64_t count = std::clamp<std::int64_t>(kMostLogits / (vocabulary * kLength), 1, kSequences);
    std::vector<MetricSequence> sequences(static_cast<std::size_t>(count));
    for (MetricSequence& sequence : sequences) {
        for (std::int64_t i = 0; i < kLength; ++i)
            sequence.ids.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(vocabulary)));
        sequence.endScored = static_cast<int>(kLength);
    }
    return sequences;
}

/// Keeps the logits of every sequence.
class Collector : public Metric
{
public:
    explicit Collector(std::int64_t vocabulary)
        : m_sequences(sequencesFor(vocabulary))
    {
        for (std::size_t i = 0; i < m_sequences.size(); ++i)
            m_logits.push_back(at::empty({kLength, vocabulary}, at::kFloat));
    }
    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int begin, const at::Tensor& logits) override
    {
        m_logits[static_cast<std::size_t>(sequence)].narrow(0, begin, logits.size(0)).copy_(toHost(logits));
    }
    core::Result<std::vector<core::MetricRecord>> finish() override { return std::vector<core::MetricRecord>(); }
    const std::vector<at::Tensor>& logits() const { return m_logits; }

private:
    std::vector<MetricSequence> m_sequences;
    std::vector<at::Tensor> m_logits;
};

core::Result<std::vector<at::Tensor>> logitsOf(const EvaluationContext& context)
{
    std::vector<std::unique_ptr<Metric>> metrics;
    metrics.push_back(std::make_unique<Collector>(context.model.architecture().vocabSize));
    PSC_TRY(evaluate(metrics, context));
    return static_cast<const Collector&>(*metrics.front()).logits();
}

/// ln p of every token of the vocabulary, float64.
at::Tensor logProbabilities(const at::Tensor& logits)
{
    const at::Tensor wide = logits.to(at::kDouble);
    return wide - wide.logsumexp(-1, true);
}

} // namespace

core::Result<SelfTest> compareLogits(const EvaluationContext& inMemory, const EvaluationContext& written)
{
    PSC_ASSIGN(const std::vector<at::Tensor> expected, logitsOf(inMemory));
    PSC_ASSIGN(const std::vector<at::Tensor> found, logitsOf(written));
    SelfTest test;
    double divergence = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!std::isfinite(found[i].sum(at::kDouble).item<double>()))
            return core::Error {core::ErrorCode::Numerical, "the written model gives logits that are not finite",
                                "export with dtype float32"};
        const double difference = (found[i] - expected[i]).abs().max().item<double>();
        test.largestLogitDifference = std::max(test.largestLogitDifference, difference);
        test.sameBest += found[i].argmax(-1).eq(expected[i].argmax(-1)).sum().item<std::int64_t>();
        const at::Tensor p = logProbabilities(expected[i]);
        divergence += (p.exp() * (p - logProbabilities(found[i]))).sum().item<double>();
        test.tokens += found[i].size(0);
    }
    test.meanDivergence = divergence / static_cast<double>(test.tokens);
    if (test.sameBest * 2 < test.tokens)
        return core::Error {core::ErrorCode::Corrupt,
                            "the written model is another one: of " + std::to_string(test.tokens) +
                                " tokens it expects the same next one after " + std::to_string(test.sameBest),
                            "report this with the model's config.json"};
    return test;
}

} // namespace paretoscope::engine
