// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/perplexity.h"

#include "core/engine/kernels/transformer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace paretoscope::engine {

namespace {

double meanOf(const std::vector<double>& values)
{
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

/// sd / sqrt(n) with n - 1 below the variance; nothing for a single value.
std::optional<double> standardErrorOfMean(const std::vector<double>& values)
{
    if (values.size() < 2)
        return std::nullopt;
    const double mean = meanOf(values);
    double squares = 0;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    return std::sqrt(squares / double(values.size() - 1) / double(values.size()));
}

} // namespace

Perplexity::Perplexity(core::WindowProtocol protocol, core::TokenSequences windows)
    : m_protocol(std::move(protocol))
    , m_corpusDigest(windows.corpusDigest)
    , m_idsDigest(windows.idsDigest)
{
    // The logits at position p predict token p + 1.
    for (std::size_t i = 0; i < windows.sequences.size(); ++i) {
        MetricSequence sequence {std::move(windows.sequences[i]), 0, 0};
        const int length = static_cast<int>(sequence.ids.size());
        sequence.endScored = length - 1;
        if (m_protocol.score == "second-half")
            sequence.firstScored = length / 2;
        else if (m_protocol.stride > 0 && m_protocol.stride < length && i > 0)
            sequence.firstScored = length - 1 - m_protocol.stride;
        m_losses.emplace_back(static_cast<std::size_t>(std::max(0, sequence.endScored - sequence.firstScored)));
        m_sequences.push_back(std::move(sequence));
    }
}

void Perplexity::consume(int sequence, int begin, const at::Tensor& logits)
{
    const MetricSequence& window = m_sequences[static_cast<std::size_t>(sequence)];
    const std::int64_t rows = logits.size(0);
    const at::Tensor targets =
        at::tensor(at::ArrayRef<std::int32_t>(window.ids.data() + begin + 1, static_cast<std::size_t>(rows)), at::kInt);
    const at::Tensor losses = negativeLogLikelihood(logits, targets.to(at::kLong)).contiguous();
    std::copy_n(losses.const_data_ptr<double>(), rows,
                m_losses[static_cast<std::size_t>(sequence)].begin() + (begin - window.firstScored));
}

core::Result<std::vector<core::MetricRecord>> Perplexity::finish()
{
    std::vector<double> windowMeans;
    std::vector<double> tokens;
    for (const std::vector<double>& losses : m_losses) {
        windowMeans.push_back(meanOf(losses));
        tokens.insert(tokens.end(), losses.begin(), losses.end());
    }
    const bool byToken = m_protocol.score == "second-half";
    const double mean = meanOf(byToken ? tokens : windowMeans);
    const std::optional<double> error = standardErrorOfMean(byToken ? tokens : windowMeans);
    const double perplexity = std::exp(mean);

    core::MetricRecord record;
    record.name = "perplexity";
    record.n = static_cast<std::int64_t>(byToken ? tokens.size() : windowMeans.size());
    record.protocol = m_protocol.id("perplexity", m_corpusDigest);
    record.details = {{"windows", windowMeans},
                      {"mean_nll", mean},
                      {"tokens_evaluated", tokens.size()},
                      {"corpus_sha256", m_corpusDigest.hex()},
                      {"ids_sha256", m_idsDigest.hex()}};
    if (std::isfinite(perplexity)) {
        record.value = perplexity;
        if (error)
            record.standardError = perplexity * *error;
    } else {
        record.details["flags"] = {"nonfinite"};
    }
    return std::vector {record};
}

} // namespace paretoscope::engine
