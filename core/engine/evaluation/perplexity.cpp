// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/perplexity.h"

#include "core/statistics/sample.h"

#include <cmath>
#include <numeric>

namespace paretoscope::engine {

int firstScoredPosition(const core::WindowProtocol& protocol, int length, std::size_t index)
{
    if (protocol.score == "second-half")
        return length / 2;
    if (protocol.stride > 0 && protocol.stride < length && index > 0)
        return length - 1 - protocol.stride;
    return 0;
}

Perplexity::Perplexity(core::WindowProtocol protocol, core::TokenSequences windows)
    : m_protocol(std::move(protocol))
    , m_corpusDigest(windows.corpusDigest)
    , m_idsDigest(windows.idsDigest)
{
    for (std::size_t i = 0; i < windows.sequences.size(); ++i) {
        const int first = firstScoredPosition(m_protocol, static_cast<int>(windows.sequences[i].size()), i);
        m_losses.addWindow(std::move(windows.sequences[i]), static_cast<std::size_t>(first));
    }
}

core::Result<std::vector<core::MetricRecord>> Perplexity::finish()
{
    std::vector<double> means;
    std::vector<double> sums;
    std::vector<double> counts;
    std::vector<double> tokens;
    for (std::size_t i = 0; i < m_losses.sequences().size(); ++i) {
        const auto losses = m_losses.losses(i);
        means.push_back(core::meanOf(losses));
        sums.push_back(std::accumulate(losses.begin(), losses.end(), 0.0));
        counts.push_back(double(losses.size()));
        tokens.insert(tokens.end(), losses.begin(), losses.end());
    }
    const bool byToken = m_protocol.score == "second-half";
    const core::Estimate mean = byToken                 ? core::meanEstimate(tokens)
                                : m_protocol.stride > 0 ? core::ratioEstimate(sums, counts)
                                                        : core::meanEstimate(means);
    const double perplexity = std::exp(mean.value);

    core::MetricRecord record;
    record.name = "perplexity";
    record.n = static_cast<std::int64_t>(byToken ? tokens.size() : means.size());
    record.protocol = m_protocol.id("perplexity", m_corpusDigest);
    record.details = {{"windows", means},
                      {"mean_nll", mean.value},
                      {"tokens_evaluated", tokens.size()},
                      {"corpus_sha256", m_corpusDigest.hex()},
                      {"ids_sha256", m_idsDigest.hex()}};
    if (m_protocol.stride > 0)
        record.details["window_tokens"] = counts;
    if (std::isfinite(perplexity)) {
        record.value = perplexity;
        if (mean.standardError)
            record.standardError = perplexity * *mean.standardError;
    } else {
        record.details["flags"] = {"nonfinite"};
    }
    return std::vector {record};
}

core::Result<std::unique_ptr<Metric>> makePerplexity(const core::Json& options, const MetricContext& context)
{
    PSC_ASSIGN(core::WindowProtocol protocol, core::WindowProtocol::fromJson(options));
    PSC_ASSIGN(core::TokenSequences windows, context.model.windows(protocol));
    return std::unique_ptr<Metric>(std::make_unique<Perplexity>(std::move(protocol), std::move(windows)));
}

} // namespace paretoscope::engine
