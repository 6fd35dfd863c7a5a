// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/evaluation/token_losses.h"
#include "core/evaluation/task_items.h"

namespace paretoscope::engine {

/// Accuracy on task items with the semantics of lm-evaluation-harness 0.4 (specs evaluation 5). A choice's score is the
/// sum of the log-likelihoods of its continuation's tokens.
///   acc       the largest score is the right choice's; ties go to the lowest index
///   acc_norm  likewise for score / characters of the choice; only where choices are answers to one context
/// Of cloze items: acc = every token is the most likely one, and target_perplexity = exp(-mean score).
/// Standard error: sqrt(a (1 - a) / (n - 1)), times sqrt(1 - n / N) for n shuffled items of N.
class TaskAccuracy : public Metric
{
public:
    /// @param maxTokens longest input of the model; 0: no limit. Errors: those of encodePair, naming the item.
    static core::Result<std::unique_ptr<Metric>> make(core::TaskProtocol protocol, core::TaskItems task,
                                                      const core::Tokenizer& tokenizer, std::int64_t maxTokens);

    const std::vector<MetricSequence>& sequences() const override { return m_losses.sequences(); }
    void consume(int sequence, int begin, const at::Tensor& logits) override;
    core::Result<std::vector<core::MetricRecord>> finish() override;

private:
    TaskAccuracy(core::TaskProtocol protocol, core::TaskItems task);

    struct Scores;
    Scores scores() const;
    core::MetricRecord record(const char* name, const std::vector<int>& chosen) const;
    core::MetricRecord targetPerplexity(const Scores& scores) const;

    core::TaskProtocol m_protocol;
    core::TaskItems m_task;
    core::Sha256Digest m_idsDigest;
    TokenLosses m_losses;                             ///< one sequence per pair, item by item
    std::vector<std::vector<std::int32_t>> m_targets; ///< cloze only
    std::vector<char> m_isGreedy;                     ///< cloze only: per item; char, as threads write neighbours
};

core::Result<std::unique_ptr<Metric>> makeTaskAccuracy(const core::Json& options, const MetricContext& context);

} // namespace paretoscope::engine
