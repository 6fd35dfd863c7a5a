// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/perplexity.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

core::TokenSequences windowsOf(std::vector<std::vector<std::int32_t>> sequences)
{
    core::TokenSequences windows;
    windows.sequences = std::move(sequences);
    return windows;
}

/// Delivers logits that give every target the loss `losses[window][position]`, in two pieces per window.
core::MetricRecord measure(core::WindowProtocol protocol, const std::vector<std::vector<double>>& losses)
{
    std::vector<std::vector<std::int32_t>> ids;
    for (const auto& window : losses)
        ids.emplace_back(window.size() + 1, 0);
    Perplexity metric(std::move(protocol), windowsOf(std::move(ids)));
    for (std::size_t i = 0; i < losses.size(); ++i) {
        const MetricSequence& wanted = metric.sequences()[i];
        for (int position = wanted.firstScored; position < wanted.endScored; ++position) {
            // Two tokens: p(0) = exp(-loss).
            const double p = std::exp(-losses[i][std::size_t(position)]);
            const at::Tensor logits = at::tensor({std::log(p), std::log(1 - p)}, at::kFloat).unsqueeze(0);
            metric.consume(int(i), position, logits);
        }
    }
    return metric.finish().value().front();
}

} // namespace

class TstPerplexity : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void uniformLogitsGiveTheVocabularySize()
    {
        Perplexity metric({}, windowsOf({{1, 2, 3, 4}, {5, 6, 7, 8}}));
        for (int window = 0; window < 2; ++window)
            metric.consume(window, 0, at::zeros({3, 1000}));
        const core::MetricRecord record = metric.finish().value().front();
        QVERIFY(std::fabs(*record.value - 1000) < 1e-3);
        QVERIFY(*record.standardError < 1e-6);
    }

    void threeWindowsByHand()
    {
        const core::MetricRecord record = measure({}, {{1, 2, 3}, {1, 1, 1}, {3, 3, 3}});
        // Window means 2, 1, 3: mean 2, standard deviation 1.
        QVERIFY(std::fabs(*record.value - std::exp(2.0)) < 1e-5);
        QVERIFY(std::fabs(*record.standardError - std::exp(2.0) / std::sqrt(3.0)) < 1e-5);
        QCOMPARE(record.n, std::int64_t(3));
        QCOMPARE(record.details.at("tokens_evaluated").get<int>(), 9);
        QVERIFY(record.protocol.starts_with("perplexity"));
    }

    void oneWindowHasNoStandardError() { QVERIFY(!measure({}, {{1, 2, 3}}).standardError.has_value()); }

    void secondHalfScoresWhatLlamaCppScores()
    {
        // 8 tokens: positions 4, 5, 6 predict tokens 5, 6, 7.
        core::WindowProtocol protocol;
        protocol.score = "second-half";
        const core::MetricRecord record = measure(protocol, {{9, 9, 9, 9, 1, 2, 3}});
        QVERIFY(std::fabs(*record.value - std::exp(2.0)) < 1e-5);
        // Tokens are the units there: sd 1 over three tokens.
        QVERIFY(std::fabs(*record.standardError - std::exp(2.0) / std::sqrt(3.0)) < 1e-5);
        QCOMPARE(record.n, std::int64_t(3));
    }

    void stridedWindowsScoreOnlyWhatIsNew()
    {
        core::WindowProtocol protocol;
        protocol.length = 8;
        protocol.stride = 2;
        Perplexity metric(protocol, windowsOf({std::vector<std::int32_t>(8), std::vector<std::int32_t>(8)}));
        QCOMPARE(metric.sequences()[0].firstScored, 0);
        QCOMPARE(metric.sequences()[1].firstScored, 5);
        QCOMPARE(metric.sequences()[1].endScored, 7);
    }

    void infiniteLossIsFlagged()
    {
        Perplexity metric({}, windowsOf({{0, 0}, {0, 0}}));
        for (int window = 0; window < 2; ++window)
            metric.consume(window, 0, at::tensor({-INFINITY, 0.0F}).unsqueeze(0));
        const core::MetricRecord record = metric.finish().value().front();
        QVERIFY(!record.value.has_value());
        QCOMPARE(record.details.at("flags").at(0).get<std::string>(), std::string("nonfinite"));
    }

    void largeVocabularyIsNotBiased()
    {
        // libtorch's float32 log_softmax reads about 1.6e-5 low at this size; the float64 value is the truth.
        const at::Tensor logits = at::arange(4 * 49152, at::kFloat).view({4, 49152}).mul(0.7).sin().mul(8);
        Perplexity metric({}, windowsOf({{0, 7, 70, 700, 7000}}));
        metric.consume(0, 0, logits);
        const double found = metric.finish().value().front().details.at("mean_nll").get<double>();
        const at::Tensor wide = logits.to(at::kDouble);
        const at::Tensor truth =
            at::logsumexp(wide, 1) - wide.gather(1, at::tensor({7, 70, 700, 7000}, at::kLong).unsqueeze(1)).squeeze(1);
        QVERIFY(std::fabs(found - truth.mean().item<double>()) < 2e-6);
    }
};

QTEST_GUILESS_MAIN(TstPerplexity)
#include "tst_perplexity.moc"
