// SPDX-License-Identifier: Apache-2.0
// The numbers that compare a model with a baseline, against what float64 makes of the logits of both.
#include "core/architecture/architecture.h"
#include "core/corpus/corpus.h"
#include "core/engine/evaluation/reference_states.h"
#include "core/engine/kernels/divergence.h"
#include "core/memory/memory_estimate.h"
#include "core/statistics/sample.h"
#include "evaluation_fixture.h"

#include <QDir>
#include <QtTest>

#include <limits>
#include <numeric>

using namespace paretoscope;
using namespace paretoscope::tests;

namespace {

core::Json klDivergence(const core::Json& more = core::Json::object())
{
    core::Json options {{"corpus", kWikiText}, {"length", 48}, {"windows", 5}};
    options.update(more);
    return {{{"name", "kl_divergence"}, {"options", options}}};
}

/// Number of files below a folder.
int filesIn(const std::filesystem::path& folder)
{
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        count += entry.is_regular_file() ? 1 : 0;
    return count;
}

} // namespace

class TstKlDivergence : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;
    std::filesystem::path m_coarse;

    std::filesystem::path folder(const char* name) const
    {
        return std::filesystem::path(m_folder.path().toStdString()) / name;
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_coarse = folder("coarse");
        writeCoarseModel(m_coarse);
    }

    void distributionsByHand()
    {
        // p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): KL = ln 2 / 2 - ln 2 / 4.
        const at::Tensor p = at::tensor({0.5F, 0.25F, 0.25F}).log().unsqueeze(0);
        const at::Tensor q = at::tensor({0.25F, 0.25F, 0.5F}).log().unsqueeze(0);
        const auto found = engine::tokenDivergences(p, q, at::tensor({2}, at::kLong)).front();
        QVERIFY(std::fabs(found.kl - std::log(2.0) / 4) < 1e-7);
        QVERIFY(std::fabs(found.referenceLoss - std::log(4.0)) < 1e-7);
        QVERIFY(std::fabs(found.candidateLoss - std::log(2.0)) < 1e-7);
        QVERIFY(!found.sameLikeliest);
    }

    void equalAndUniformRowsAreZeroApart()
    {
        const at::Tensor zeros = at::zeros({3, 1000});
        for (const auto& token : engine::tokenDivergences(zeros, zeros, at::zeros({3}, at::kLong))) {
            QCOMPARE(token.kl, 0.0);
            QVERIFY(token.sameLikeliest);
            QVERIFY(std::fabs(token.candidateLoss - std::log(1000.0)) < 1e-12);
        }
        // A shift of all logits is the same distribution.
        const at::Tensor rows = at::arange(4 * 5000, at::kFloat).view({4, 5000}).mul(0.37).sin().mul(6);
        for (const auto& token : engine::tokenDivergences(rows, rows + 2, at::zeros({4}, at::kLong)))
            QVERIFY(std::fabs(token.kl) < 1e-6);
    }

    void missingMassIsInfinite()
    {
        constexpr float kNone = -std::numeric_limits<float>::infinity();
        const at::Tensor full = at::tensor({0.0F, 0.0F, 0.0F}).unsqueeze(0);
        const at::Tensor cut = at::tensor({0.0F, kNone, 0.0F}).unsqueeze(0);
        QVERIFY(std::isinf(engine::tokenDivergences(full, cut, at::tensor({0}, at::kLong)).front().kl));
        // The other way round the token has no weight.
        const double found = engine::tokenDivergences(cut, full, at::tensor({0}, at::kLong)).front().kl;
        QVERIFY(std::fabs(found - std::log(1.5)) < 1e-7);
    }

    void modelIsZeroFromItself()
    {
        const core::Json document = evaluated(kTinyLlama, klDivergence(), 2);
        QCOMPARE(metricNamed(document, "kl_divergence").at("value").get<double>(), 0.0);
        QCOMPARE(metricNamed(document, "kl_divergence").at("quantiles").at("maximum").get<double>(), 0.0);
        QCOMPARE(metricNamed(document, "top1_agreement").at("value").get<double>(), 1.0);
    }

    void agreesWithFloat64()
    {
        const core::Json document = evaluated(m_coarse, klDivergence({{"baseline", kTinyLlama.string()}}));
        core::WindowProtocol protocol;
        protocol.corpus = kWikiText;
        protocol.length = 48;
        protocol.windows = 5;
        const auto windows = core::readWindows(protocol, core::Tokenizer::load(kTinyLlama).value()).value().sequences;
        const auto before = logitsOf(kTinyLlama, windows);
        const auto after = logitsOf(m_coarse, windows);
        std::vector<double> windowMeans;
        std::vector<double> tokens;
        std::vector<double> changes;
        std::vector<double> same;
        for (std::size_t window = 0; window < windows.size(); ++window) {
            std::vector<double> ofWindow;
            for (std::size_t position = 0; position + 1 < windows[window].size(); ++position) {
                const double sumP = before[window].logSum(position);
                const double sumQ = after[window].logSum(position);
                double kl = 0;
                for (std::size_t token = 0; token < before[window].vocabulary; ++token) {
                    const double logP = double(before[window].row(position)[token]) - sumP;
                    kl += std::exp(logP) * (logP - (double(after[window].row(position)[token]) - sumQ));
                }
                ofWindow.push_back(kl);
                const std::int32_t next = windows[window][position + 1];
                changes.push_back(before[window].logProbability(position, next) -
                                  after[window].logProbability(position, next));
                same.push_back(before[window].likeliest(position) == after[window].likeliest(position) ? 1 : 0);
            }
            windowMeans.push_back(core::meanOf(ofWindow));
            tokens.insert(tokens.end(), ofWindow.begin(), ofWindow.end());
        }
        const core::Json& kl = metricNamed(document, "kl_divergence");
        QVERIFY2(core::meanOf(tokens) > 0.01, "the coarse model is to differ");
        // Float32 logits of other row counts differ by 1e-6; KL is quadratic in that.
        const auto near = [](const core::Json& found, double expected, double tolerance) {
            return std::fabs(found.get<double>() - expected) <= tolerance;
        };
        QVERIFY(near(kl.at("value"), core::meanOf(tokens), 1e-6));
        QVERIFY(near(kl.at("standard_error"), *core::standardErrorOfMean(windowMeans), 1e-6));
        QVERIFY(near(kl.at("token_standard_error"), *core::standardErrorOfMean(tokens), 1e-6));
        std::sort(tokens.begin(), tokens.end());
        QVERIFY(near(kl.at("quantiles").at("median"), core::quantileOf(tokens, 0.5), 1e-5));
        QVERIFY(near(kl.at("quantiles").at("p99"), core::quantileOf(tokens, 0.99), 1e-5));
        QVERIFY(near(kl.at("quantiles").at("maximum"), tokens.back(), 1e-5));
        QVERIFY(near(kl.at("perplexity_ratio").at("log_ratio"), core::meanOf(changes), 1e-5));
        QCOMPARE(metricNamed(document, "top1_agreement").at("value").get<double>(), core::meanOf(same));
        qInfo("KL %.6f nats, float64 %.6f, difference %.1e", kl.at("value").get<double>(), core::meanOf(tokens),
              kl.at("value").get<double>() - core::meanOf(tokens));
    }

    void ratioIsThatOfThePerplexities()
    {
        const core::Json windows {{"corpus", kWikiText}, {"length", 48}, {"windows", 5}};
        const auto perplexity = [&](const std::filesystem::path& model) {
            return metricNamed(evaluated(model, {{{"name", "perplexity"}, {"options", windows}}}), "perplexity")
                .at("value")
                .get<double>();
        };
        const core::Json document = evaluated(m_coarse, klDivergence({{"baseline", kTinyLlama.string()}}));
        const double ratio = metricNamed(document, "kl_divergence").at("perplexity_ratio").at("ratio").get<double>();
        QVERIFY(std::fabs(ratio / (perplexity(m_coarse) / perplexity(kTinyLlama)) - 1) < 1e-6);
    }

    /// Whether the baseline's states come from the cache, from memory or were just computed shows in no bit.
    void cacheChangesNothing()
    {
        const core::Json request = klDivergence({{"baseline", kTinyLlama.string()}});
        const std::filesystem::path cache = folder("cache");
        const core::Json without = evaluated(m_coarse, request).at("metrics");
        const core::Json cold = evaluated(m_coarse, request, 1, cache).at("metrics");
        QCOMPARE(filesIn(cache), 5); // one a window
        const core::Json warm = evaluated(m_coarse, request, 1, cache).at("metrics");
        QCOMPARE(cold, without);
        QCOMPARE(warm, without);

        // More windows of the same text take over what is there.
        const core::Json more = klDivergence({{"baseline", kTinyLlama.string()}, {"windows", 6}});
        evaluated(m_coarse, more, 1, cache);
        QCOMPARE(filesIn(cache), 6);

        // A damaged entry is computed again.
        for (const auto& entry : std::filesystem::recursive_directory_iterator(cache)) {
            if (entry.is_regular_file())
                std::filesystem::resize_file(entry.path(), entry.file_size() - 4);
        }
        QCOMPARE(evaluated(m_coarse, request, 1, cache).at("metrics"), without);
    }

    /// Another process trims or empties the cache while a trial reads from it.
    void referencesInUseSurviveTheCache_data()
    {
        QTest::addColumn<bool>("wereThere");
        QTest::addColumn<qint64>("limit"); // of the cache, bytes; a sequence takes 16 x 48 x 4 or more
        QTest::addRow("read from the cache") << true << qint64(1 << 30);
        QTest::addRow("just computed") << false << qint64(1 << 30);
        QTest::addRow("no room for all of them") << false << qint64(40'000);
        QTest::addRow("no room for one") << false << qint64(100);
    }
    void referencesInUseSurviveTheCache()
    {
        QFETCH(bool, wereThere);
        QFETCH(qint64, limit);
        const auto baseline = engine::WarmModel::load(kTinyLlama, kResources / "architectures", core::Bytes {}).value();
        std::vector<std::vector<std::int32_t>> sequences;
        for (std::int32_t first = 3; first < 8; ++first) {
            sequences.emplace_back(16);
            std::iota(sequences.back().begin(), sequences.back().end(), first * 20);
        }
        SilentObserver observer;
        const auto prepared = [&](const engine::TensorCache& cache) {
            auto states = engine::ReferenceStates::prepare(sequences, *baseline, cache, {{"threads", 1}}, observer, {});
            if (!states.ok())
                qFatal("%s", states.error().sentence().c_str());
            return std::move(states).value();
        };
        const engine::TensorCache none(std::make_shared<core::ArtifactCache>(std::filesystem::path()),
                                       core::ArtifactKind::Reference);
        const auto expected = prepared(none);

        const QTemporaryDir folder;
        const engine::TensorCache cache(
            std::make_shared<core::ArtifactCache>(folder.path().toStdString(), core::Bytes {limit}),
            core::ArtifactKind::Reference);
        if (wereThere)
            prepared(cache);
        const auto states = prepared(cache);
        QCOMPARE(states->computed(), wereThere ? std::size_t(0) : sequences.size());
        QVERIFY(QDir(folder.path()).removeRecursively());
        for (const int time : {1, 2}) {
            for (std::size_t i = 0; i < sequences.size(); ++i) {
                const auto found = states->read(i);
                QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
                QVERIFY2(at::equal(found.value(), expected->read(i).value()), QByteArray::number(time).constData());
            }
        }
    }

    /// Under the smallest budget that is accepted, passes over the baseline read block by block and spill.
    void budgetChangesNothing_data()
    {
        QTest::addColumn<bool>("withCache");
        QTest::addRow("states in the cache") << true;
        QTest::addRow("states in a scratch file") << false;
    }
    void budgetChangesNothing()
    {
        QFETCH(bool, withCache);
        core::Json request = klDivergence({{"baseline", kTinyLlama.string()}});
        request.push_back({{"name", "greedy_match"},
                           {"options",
                            {{"corpus", kWikiText},
                             {"prompts", 2},
                             {"length", 12},
                             {"tokens", 5},
                             {"baseline", kTinyLlama.string()}}}});
        const core::Json unlimited = evaluated(m_coarse, request).at("metrics");

        core::WorkloadSpec workload;
        workload.model = m_coarse;
        for (const core::Json& metric : request)
            workload.evaluate.push_back({metric.at("name").get<std::string>(), metric.at("options")});
        const auto checkpoint = core::openCheckpoint(m_coarse).value();
        const auto sizes = core::modelSizes(
            core::describeArchitecture(*checkpoint, kResources / "architectures").value(), *checkpoint);
        engine::RunnerOptions options = runnerOptions(1, withCache ? folder("budget") : std::filesystem::path());
        options.memoryBudget = core::planMemory(sizes, core::trialLoad(workload, {}, {}, 1), core::Bytes {1}, {}).least;
        engine::TrialRunner runner(options);
        const core::Json document = evaluated(runner, m_coarse, request);
        QCOMPARE(document.at("metrics"), unlimited);
        QVERIFY(document.at("estimated_memory_bytes").get<std::int64_t>() <= options.memoryBudget->value);
    }

    void otherMetricsChangeNothing_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addRow("one thread") << 1;
        QTest::addRow("two threads") << 2;
    }
    void otherMetricsChangeNothing()
    {
        QFETCH(int, threads);
        core::Json all = klDivergence({{"baseline", kTinyLlama.string()}});
        const core::Json alone = evaluated(m_coarse, all, threads).at("metrics");
        // The same sequences with other positions, and other sequences.
        all.push_back({{"name", "perplexity"},
                       {"options", {{"corpus", kWikiText}, {"length", 48}, {"windows", 7}, {"score", "second-half"}}}});
        all.push_back(
            {{"name", "bits_per_byte"}, {"options", {{"corpus", kWikiText}, {"length", 31}, {"windows", 4}}}});
        const core::Json together = evaluated(m_coarse, all, threads).at("metrics");
        QCOMPARE(together.at(0), alone.at(0));
        QCOMPARE(together.at(1), alone.at(1));
    }

    /// Continuations are those of choosing token by token from the logits; the match ends where the models first
    /// differ.
    void greedyMatchIsTheCommonBeginning()
    {
        const core::Json options {{"corpus", kWikiText}, {"prompts", 4}, {"length", 12}, {"tokens", 9}};
        core::Json compared = options;
        compared["baseline"] = kTinyLlama.string();
        const std::filesystem::path cache = folder("greedy");
        const core::Json request {{{"name", "greedy_match"}, {"options", compared}}};
        const core::Json document = evaluated(m_coarse, request, 2, cache);
        core::WindowProtocol protocol;
        protocol.corpus = kWikiText;
        protocol.length = 12;
        protocol.windows = 4;
        auto before = core::readWindows(protocol, core::Tokenizer::load(kTinyLlama).value()).value().sequences;
        auto after = before;
        for (int token = 0; token < 9; ++token) {
            for (const auto& [model, texts] : {std::pair(kTinyLlama, &before), std::pair(m_coarse, &after)}) {
                const auto logits = logitsOf(model, *texts);
                for (std::size_t i = 0; i < texts->size(); ++i)
                    (*texts)[i].push_back(std::int32_t(logits[i].likeliest((*texts)[i].size() - 1)));
            }
        }
        std::vector<double> expected;
        for (std::size_t i = 0; i < before.size(); ++i)
            expected.push_back(double(std::mismatch(before[i].begin(), before[i].end(), after[i].begin()).first -
                                      before[i].begin() - 12));
        const core::Json& match = metricNamed(document, "greedy_match");
        QCOMPARE(match.at("prompts").get<std::vector<double>>(), expected);
        QCOMPARE(match.at("value").get<double>(), core::meanOf(expected));
        QVERIFY2(core::meanOf(expected) < 9, "the coarse model is to say something else");
        QCOMPARE(filesIn(cache), 4);
        QCOMPARE(evaluated(m_coarse, request, 2, cache).at("metrics"), document.at("metrics")); // from the cache
        // A model agrees with itself to the end.
        const core::Json itself = evaluated(kTinyLlama, {{{"name", "greedy_match"}, {"options", options}}}, 2);
        QCOMPARE(metricNamed(itself, "greedy_match").at("whole").get<double>(), 1.0);
        QCOMPARE(metricNamed(itself, "greedy_match").at("value").get<double>(), 9.0);
    }

    void otherVocabularyIsRefused()
    {
        engine::TrialRunner runner(runnerOptions());
        SilentObserver observer;
        const std::filesystem::path other = kTestData / "parity/models/llama_linear";
        const auto done = runner.evaluate(
            {{"model", kTinyLlama.string()}, {"metrics", klDivergence({{"baseline", other.string()}})}}, observer);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(done.error().message.find("4096") != std::string::npos, done.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstKlDivergence)
#include "tst_kl_divergence.moc"
