// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/bits_per_byte.h"

#include "core/statistics/sample.h"

#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

namespace paretoscope::engine {

namespace {

struct Document
{
    double bits = 0;
    double bytes = 0;
};

} // namespace

BitsPerByte::BitsPerByte(core::DocumentProtocol protocol, core::DocumentWindows windows)
    : m_protocol(std::move(protocol))
    , m_windows(std::move(windows))
{
    for (const core::DocumentWindow& scored : m_windows.windows) {
        const core::RollingWindow& window = scored.window;
        const auto first = window.targets.begin() + static_cast<std::ptrdiff_t>(window.firstScored);
        m_losses.addTargets(window.input, {first, window.targets.end()}, window.firstScored);
    }
}

core::Result<std::vector<core::MetricRecord>> BitsPerByte::finish()
{
    std::map<std::size_t, Document> documents;
    std::vector<double> windowBits;
    std::vector<double> windowBytes;
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < m_windows.windows.size(); ++i) {
        const core::DocumentWindow& window = m_windows.windows[i];
        const auto losses = m_losses.losses(i);
        windowBits.push_back(std::accumulate(losses.begin(), losses.end(), 0.0) / std::numbers::ln2);
        windowBytes.push_back(window.bytes);
        Document& document = documents[window.document];
        document.bits += windowBits.back();
        document.bytes += window.bytes;
        tokens += static_cast<std::int64_t>(losses.size());
    }
    const bool byDocument = documents.size() > 1;
    std::vector<double> bits = windowBits;
    std::vector<double> bytes = windowBytes;
    if (byDocument) {
        bits.clear();
        bytes.clear();
        for (const auto& [index, document] : documents) {
            bits.push_back(document.bits);
            bytes.push_back(document.bytes);
        }
    }
    const core::Estimate estimate = core::ratioEstimate(bits, bytes);

    core::MetricRecord record;
    record.name = "bits_per_byte";
    record.unit = "bit";
    record.n = static_cast<std::int64_t>(bits.size());
    record.protocol = m_protocol.id(m_windows.corpusDigest);
    record.details = {{"unit_bits", bits},
                      {"unit_bytes", bytes},
                      {"units", byDocument ? "documents" : "windows"},
                      {"bytes_covered", std::accumulate(bytes.begin(), bytes.end(), 0.0)},
                      {"exact_bytes", m_windows.exactBytes},
                      {"tokens_evaluated", tokens},
                      {"corpus_sha256", m_windows.corpusDigest.hex()},
                      {"ids_sha256", m_windows.idsDigest.hex()}};
    if (std::isfinite(estimate.value)) {
        record.value = estimate.value;
        record.standardError = estimate.standardError;
    } else {
        record.details["flags"] = {"nonfinite"};
    }
    return std::vector {record};
}

core::Result<std::unique_ptr<Metric>> makeBitsPerByte(const core::Json& options, const MetricContext& context)
{
    PSC_ASSIGN(core::DocumentProtocol protocol, core::DocumentProtocol::fromJson(options));
    PSC_ASSIGN(const core::Tokenizer* tokenizer, context.model.tokenizer());
    PSC_ASSIGN(core::DocumentWindows windows, core::readDocumentWindows(protocol, *tokenizer));
    return std::unique_ptr<Metric>(std::make_unique<BitsPerByte>(std::move(protocol), std::move(windows)));
}

} // namespace paretoscope::engine
