// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/kl_divergence.h"

#include "core/engine/device/transfer.h"
#include "core/engine/evaluation/perplexity.h"
#include "core/evaluation/metric_kind.h"
#include "core/statistics/sample.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::engine {

namespace {

/// Values of all tokens, and sums and counts by window for errors with windows as units.
struct Series
{
    std::vector<double> tokens;
    std::vector<double> sums;
    std::vector<double> counts;

    void beginWindow()
    {
        sums.push_back(0);
        counts.push_back(0);
    }
    void add(double value)
    {
        tokens.push_back(value);
        sums.back() += value;
        ++counts.back();
    }
    core::Estimate byWindow() const { return core::ratioEstimate(sums, counts); }
    std::vector<double> windowMeans() const
    {
        std::vector<double> means;
        for (std::size_t i = 0; i < sums.size(); ++i)
            means.push_back(counts[i] > 0 ? sums[i] / counts[i] : 0.0);
        return means;
    }
};

core::Json orNull(const std::optional<double>& value)
{
    return value && std::isfinite(*value) ? core::Json(*value) : core::Json();
}

core::Json quantiles(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    core::Json json = core::Json::object();
    for (const auto& [name, fraction] :
         {std::pair("minimum", 0.0), std::pair("p0.1", 0.001), std::pair("p1", 0.01), std::pair("p5", 0.05),
          std::pair("p10", 0.1), std::pair("median", 0.5), std::pair("p90", 0.9), std::pair("p95", 0.95),
          std::pair("p99", 0.99), std::pair("p99.9", 0.999), std::pair("maximum", 1.0)})
        json[name] = core::quantileOf(values, fraction);
    return json;
}

/// ln(PPL_candidate / PPL_reference) = mean of the paired differences of the losses.
core::Json perplexityRatio(const Series& change, const std::vector<double>& reference,
                           const std::vector<double>& candidate)
{
    const core::Estimate logarithm = change.byWindow();
    core::Json json {{"log_ratio", orNull(logarithm.value)},
                     {"log_ratio_standard_error", orNull(logarithm.standardError)},
                     {"log_ratio_token_standard_error", orNull(core::standardErrorOfMean(change.tokens))},
                     {"ratio", orNull(std::exp(logarithm.value))},
                     {"loss_correlation", orNull(core::correlationOf(reference, candidate))}};
    if (logarithm.standardError)
        json["ratio_standard_error"] = orNull(std::exp(logarithm.value) * *logarithm.standardError);
    return json;
}

/// Δp = q(next) - p(next).
core::Json probabilityChange(const std::vector<double>& changes)
{
    std::vector<double> squares;
    for (const double change : changes)
        squares.push_back(change * change);
    const core::Estimate square = core::meanEstimate(squares);
    const double rms = std::sqrt(square.value);
    core::Json json {{"mean", core::meanOf(changes)}, {"rms", rms}, {"quantiles", quantiles(changes)}};
    if (square.standardError && rms > 0)
        json["rms_standard_error"] = 0.5 / rms * *square.standardError;
    return json;
}

} // namespace

KlDivergence::KlDivergence(core::WindowProtocol protocol, core::TokenSequences windows, std::string protocolId,
                           std::unique_ptr<ReferenceStates> reference)
    : m_protocolId(std::move(protocolId))
    , m_identity {{"corpus_sha256", windows.corpusDigest.hex()}, {"ids_sha256", windows.idsDigest.hex()}}
    , m_reference(std::move(reference))
{
    for (std::size_t i = 0; i < windows.sequences.size(); ++i) {
        const int length = static_cast<int>(windows.sequences[i].size());
        const int first = firstScoredPosition(protocol, length, i);
        m_sequences.push_back({std::move(windows.sequences[i]), first, length - 1});
    }
    m_windows.resize(m_sequences.size());
}

void KlDivergence::consume(int sequence, int begin, const at::Tensor& logits)
{
    const core::Status compared = compare(static_cast<std::size_t>(sequence), begin, logits);
    if (compared.ok())
        return;
    const std::lock_guard lock(m_mutex);
    m_problem = compared;
}

core::Status KlDivergence::compare(std::size_t index, int begin, const at::Tensor& logits)
{
    const MetricSequence& sequence = m_sequences[index];
    Window& window = m_windows[index];
    if (!window.states.defined()) {
        PSC_ASSIGN(window.states, m_reference->read(index));
    }
    PSC_ASSIGN(const at::Tensor reference, m_reference->logits(window.states.narrow(0, begin, logits.size(0))));
    const at::ArrayRef<std::int32_t> next(sequence.ids.data() + begin + 1, static_cast<std::size_t>(logits.size(0)));
    const std::vector<TokenDivergence> tokens =
        tokenDivergences(reference, logits, toDevice(at::tensor(next, at::kInt).to(at::kLong), logits.device()));
    window.tokens.insert(window.tokens.end(), tokens.begin(), tokens.end());
    if (begin + logits.size(0) == sequence.endScored)
        window.states = at::Tensor();
    return core::success();
}

core::MetricRecord KlDivergence::divergence() const
{
    Series kl;
    Series lossChange;
    std::vector<double> referenceLosses;
    std::vector<double> candidateLosses;
    std::vector<double> probabilityChanges;
    std::int64_t leftOut = 0;
    for (const Window& window : m_windows) {
        kl.beginWindow();
        lossChange.beginWindow();
        for (const TokenDivergence& token : window.tokens) {
            if (!std::isfinite(token.kl) || !std::isfinite(token.candidateLoss)) {
                ++leftOut;
                continue;
            }
            kl.add(token.kl);
            lossChange.add(token.candidateLoss - token.referenceLoss);
            referenceLosses.push_back(token.referenceLoss);
            candidateLosses.push_back(token.candidateLoss);
            probabilityChanges.push_back(std::exp(-token.candidateLoss) - std::exp(-token.referenceLoss));
        }
    }
    core::MetricRecord record;
    record.name = "kl_divergence";
    record.unit = "nat";
    record.n = static_cast<std::int64_t>(m_windows.size());
    record.details = m_identity;
    record.details["tokens_evaluated"] = kl.tokens.size() + static_cast<std::size_t>(leftOut);
    record.details["n_inf"] = leftOut;
    if (leftOut > 0)
        record.details["flags"] = {"nonfinite"};
    if (kl.tokens.empty())
        return record;
    const core::Estimate mean = kl.byWindow();
    record.value = mean.value;
    record.standardError = mean.standardError;
    record.details["windows"] = kl.windowMeans();
    record.details["window_tokens"] = kl.counts;
    record.details["token_standard_error"] = orNull(core::standardErrorOfMean(kl.tokens));
    record.details["quantiles"] = quantiles(kl.tokens);
    record.details["probability_change"] = probabilityChange(probabilityChanges);
    record.details["perplexity_ratio"] = perplexityRatio(lossChange, referenceLosses, candidateLosses);
    return record;
}

core::MetricRecord KlDivergence::agreement() const
{
    Series same;
    for (const Window& window : m_windows) {
        same.beginWindow();
        for (const TokenDivergence& token : window.tokens)
            same.add(token.sameLikeliest ? 1.0 : 0.0);
    }
    const core::Estimate share = same.byWindow();
    core::MetricRecord record;
    record.name = "top1_agreement";
    record.minimise = false;
    record.n = static_cast<std::int64_t>(m_windows.size());
    record.value = share.value;
    record.standardError = share.standardError;
    record.details = m_identity;
    record.details["windows"] = same.windowMeans();
    record.details["window_tokens"] = same.counts;
    record.details["flip_rate"] = 1 - share.value;
    record.details["token_standard_error"] = orNull(core::standardErrorOfShare(share.value, same.tokens.size()));
    return record;
}

core::Result<std::vector<core::MetricRecord>> KlDivergence::finish()
{
    PSC_TRY(m_problem);
    std::vector<core::MetricRecord> records {divergence(), agreement()};
    for (core::MetricRecord& record : records)
        record.protocol = m_protocolId;
    return records;
}

core::Result<std::unique_ptr<Metric>> makeKlDivergence(const core::Json& options, const MetricContext& context)
{
    core::Json windowOptions = options;
    windowOptions.erase("baseline");
    PSC_ASSIGN(core::WindowProtocol protocol, core::WindowProtocol::fromJson(windowOptions));
    PSC_ASSIGN(core::TokenSequences windows, context.model.windows(protocol));
    PSC_ASSIGN(const WarmModel* baseline, context.baseline(options));
    PSC_ASSIGN(std::unique_ptr<ReferenceStates> reference,
               ReferenceStates::prepare(windows.sequences, *baseline, context.references, context.conditions,
                                        context.observer, context.memory));
    PSC_ASSIGN(const core::MetricKind* kind, core::findMetricKind("kl_divergence"));
    const std::string id = kind->protocolId(options, {windows.corpusDigest, baseline->digest()});
    return std::unique_ptr<Metric>(
        std::make_unique<KlDivergence>(std::move(protocol), std::move(windows), id, std::move(reference)));
}

} // namespace paretoscope::engine
