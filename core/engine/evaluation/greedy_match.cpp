// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/greedy_match.h"

#include "core/engine/device/transfer.h"
#include "core/engine/evaluation/evaluator.h"
#include "core/evaluation/metric_kind.h"
#include "core/statistics/sample.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::engine {

namespace {

using Ids = std::vector<std::int32_t>;

/// The positions that say what follows the prompt and all but the last token of `continuation`.
MetricSequence continued(const Ids& prompt, const Ids& continuation)
{
    MetricSequence sequence {prompt, static_cast<int>(prompt.size()) - 1, 0};
    sequence.ids.insert(sequence.ids.end(), continuation.begin(), continuation.end() - 1);
    sequence.endScored = sequence.firstScored + static_cast<int>(continuation.size());
    return sequence;
}

void appendLikeliest(const at::Tensor& logits, Ids& ids)
{
    const at::Tensor likeliest = toHost(logits.argmax(1));
    for (std::int64_t row = 0; row < likeliest.size(0); ++row)
        ids.push_back(static_cast<std::int32_t>(likeliest.const_data_ptr<std::int64_t>()[row]));
}

/// What the model would say after every token of its guesses.
class NextGuess : public Metric
{
public:
    NextGuess(const std::vector<Ids>& prompts, const std::vector<Ids>& guesses, const std::vector<std::size_t>& open)
    {
        for (const std::size_t index : open)
            m_sequences.push_back(continued(prompts[index], guesses[index]));
        guessed.resize(open.size());
    }
    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int, const at::Tensor& logits) override
    {
        appendLikeliest(logits, guessed[static_cast<std::size_t>(sequence)]);
    }
    core::Result<std::vector<core::MetricRecord>> finish() override { return std::vector<core::MetricRecord>(); }

    std::vector<Ids> guessed;

private:
    std::vector<MetricSequence> m_sequences;
};

/// Tells how many tokens of all continuations are settled.
class GenerationProgress : public TrialObserver
{
public:
    GenerationProgress(TrialObserver& observer, int done, int total)
        : m_observer(observer)
        , m_done(done)
        , m_total(total)
    {}
    void progressed(std::string_view, int, int) override
    {
        m_observer.progressed("continue the prompts", m_done, m_total);
    }
    bool isCancelled() const override { return m_observer.isCancelled(); }

private:
    TrialObserver& m_observer;
    int m_done;
    int m_total;
};

core::Status iterate(const std::vector<Ids>& prompts, std::vector<Ids>& guesses, std::vector<std::size_t> open,
                     const WarmModel& model, TrialObserver& observer, const core::MemoryPlan& memory)
{
    const auto total = static_cast<int>(open.size());
    const std::size_t most = open.empty() ? 0 : guesses[open.front()].size() + 1;
    for (std::size_t passes = 0; !open.empty(); ++passes) {
        if (passes > most) // every pass settles a token, unless equal inputs do not give equal outputs
            return core::Error {core::ErrorCode::Numerical, "the greedy continuations do not settle",
                                "is the memory of this machine in order? Please report it"};
        std::vector<std::unique_ptr<Metric>> pass;
        pass.push_back(std::make_unique<NextGuess>(prompts, guesses, open));
        GenerationProgress progress(observer, total - static_cast<int>(open.size()), total);
        PSC_TRY(evaluate(pass, {model.graph(), model.tensors(), Hooks(), progress, memory}));
        std::vector<std::size_t> stillOpen;
        for (std::size_t i = 0; i < open.size(); ++i) {
            Ids& guess = guesses[open[i]];
            Ids& next = static_cast<NextGuess&>(*pass.front()).guessed[i];
            // The input had all but the last token, so that one was never a guess.
            const bool isSettled = std::equal(guess.begin(), guess.end() - 1, next.begin());
            guess = std::move(next);
            if (!isSettled)
                stillOpen.push_back(open[i]);
        }
        open = std::move(stillOpen);
    }
    return core::success();
}

} // namespace

core::Result<std::vector<Ids>> greedyContinuations(const std::vector<Ids>& prompts, int tokens, const WarmModel& model,
                                                   const MetricContext& context)
{
    std::vector<Ids> continuations;
    std::vector<core::Json> keys;
    std::vector<std::size_t> missing;
    for (const Ids& prompt : prompts) {
        core::Json key = context.conditions;
        key["kind"] = "greedy continuation";
        key["model"] = model.digest().hex();
        key["prompt"] = core::digestOfIds({prompt}).hex();
        key["tokens"] = tokens;
        if (const auto entry = context.references.find(key)) {
            const at::Tensor ids = entry->value.to(at::kInt).contiguous(); // float32 holds every id exactly
            const auto* data = ids.const_data_ptr<std::int32_t>();
            continuations.emplace_back(data, data + ids.numel());
        } else {
            missing.push_back(continuations.size());
            continuations.emplace_back(static_cast<std::size_t>(tokens), prompt.back());
        }
        keys.push_back(std::move(key));
    }
    PSC_TRY(iterate(prompts, continuations, missing, model, context.observer, context.memory));
    for (const std::size_t index : missing)
        (void)context.references.store(keys[index],
                                       at::tensor(at::ArrayRef<std::int32_t>(continuations[index]), at::kInt));
    return continuations;
}

GreedyMatch::GreedyMatch(core::TokenSequences prompts, std::vector<Ids> continuations, std::string protocolId)
    : m_protocolId(std::move(protocolId))
    , m_identity {{"corpus_sha256", prompts.corpusDigest.hex()}, {"ids_sha256", prompts.idsDigest.hex()}}
    , m_expected(std::move(continuations))
    , m_found(m_expected.size())
{
    for (std::size_t i = 0; i < m_expected.size(); ++i)
        m_sequences.push_back(continued(prompts.sequences[i], m_expected[i]));
}

void GreedyMatch::consume(int sequence, int, const at::Tensor& logits)
{
    appendLikeliest(logits, m_found[static_cast<std::size_t>(sequence)]);
}

core::Result<std::vector<core::MetricRecord>> GreedyMatch::finish()
{
    std::vector<double> lengths;
    std::size_t whole = 0;
    std::size_t tokens = 0;
    for (std::size_t i = 0; i < m_expected.size(); ++i) {
        const auto [differs, at] = std::mismatch(m_expected[i].begin(), m_expected[i].end(), m_found[i].begin());
        lengths.push_back(static_cast<double>(differs - m_expected[i].begin()));
        whole += differs == m_expected[i].end() ? 1 : 0;
        tokens += m_sequences[i].ids.size();
    }
    const core::Estimate mean = core::meanEstimate(lengths);
    std::vector<double> sorted = lengths;
    std::sort(sorted.begin(), sorted.end());
    core::MetricRecord record;
    record.name = "greedy_match";
    record.minimise = false;
    record.unit = "tokens";
    record.n = static_cast<std::int64_t>(lengths.size());
    record.value = mean.value;
    record.standardError = mean.standardError;
    record.protocol = m_protocolId;
    record.details = m_identity;
    record.details["prompts"] = lengths;
    record.details["fraction"] = mean.value / double(m_expected.front().size());
    record.details["whole"] = double(whole) / double(lengths.size());
    record.details["median"] = core::quantileOf(sorted, 0.5);
    record.details["tokens_evaluated"] = tokens;
    return std::vector {record};
}

core::Result<std::unique_ptr<Metric>> makeGreedyMatch(const core::Json& options, const MetricContext& context)
{
    core::Json own = options;
    own.erase("baseline");
    PSC_ASSIGN(const core::GenerationProtocol protocol, core::GenerationProtocol::fromJson(own));
    PSC_ASSIGN(core::TokenSequences prompts, context.model.windows(protocol.windowProtocol()));
    PSC_ASSIGN(const WarmModel* baseline, context.baseline(options));
    PSC_ASSIGN(std::vector<Ids> continuations,
               greedyContinuations(prompts.sequences, protocol.tokens, *baseline, context));
    PSC_ASSIGN(const core::MetricKind* kind, core::findMetricKind("greedy_match"));
    std::string id = kind->protocolId(options, {prompts.corpusDigest, baseline->digest()});
    return std::unique_ptr<Metric>(
        std::make_unique<GreedyMatch>(std::move(prompts), std::move(continuations), std::move(id)));
}

} // namespace paretoscope::engine
