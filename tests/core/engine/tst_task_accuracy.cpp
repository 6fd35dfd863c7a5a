// SPDX-License-Identifier: Apache-2.0
// Multiple choice and bits per byte, against what float64 makes of the logits.
#include "core/engine/evaluation/task_accuracy.h"
#include "core/evaluation/document_protocol.h"
#include "core/evaluation/task_items.h"
#include "evaluation_fixture.h"

#include <QtTest>

#include <numbers>

using namespace paretoscope;
using namespace paretoscope::tests;

namespace {

const std::string kArcEasy = (kTestData / "tasks/arc_easy.jsonl").string();

core::Json task(const std::string& file, const core::Json& more = core::Json::object())
{
    core::Json options {{"file", file}};
    options.update(more);
    return {{{"name", "task"}, {"options", options}}};
}

} // namespace

class TstTaskAccuracy : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;

    std::string write(const char* name, const QByteArray& lines) const
    {
        const std::string file = (m_folder.path() + QLatin1Char('/') + QLatin1String(name)).toStdString();
        if (!core::writeFileAtomically(file, lines.toStdString()).ok())
            qFatal("cannot write");
        return file;
    }

    /// Two tokens per choice, whose log-likelihoods add to the given sums. Items of two choices.
    std::vector<core::MetricRecord> measure(const QByteArray& lines, const std::vector<std::vector<double>>& sums,
                                            const core::TaskProtocol& protocol = {})
    {
        core::TaskProtocol named = protocol;
        named.file = write("hand.jsonl", lines);
        const core::Tokenizer tokenizer = core::Tokenizer::load(kTinyLlama).value();
        auto metric = engine::TaskAccuracy::make(named, core::readTaskItems(named).value(), tokenizer, 0).value();
        std::size_t sequence = 0;
        for (const auto& item : sums) {
            for (const double sum : item) {
                const engine::MetricSequence& wanted = metric->sequences()[sequence];
                const int rows = wanted.endScored - wanted.firstScored;
                // The score of any token is that of all others but one, so that targets share the given sum.
                const double perToken = sum / rows;
                at::Tensor logits = at::full({rows, 4097}, std::log((1 - std::exp(perToken)) / 4096));
                const auto ids =
                    core::encodePair(
                        core::readTaskItems(named).value().items[sequence / item.size()].pairs[sequence % item.size()],
                        tokenizer, named.bos, 0)
                        .value();
                for (int row = 0; row < rows; ++row)
                    logits[row][ids.targets[std::size_t(row)]] = perToken;
                metric->consume(int(sequence), wanted.firstScored, logits);
                ++sequence;
            }
        }
        return metric->finish().value();
    }

private Q_SLOTS:
    void lengthDecidesTheNormalisedChoice()
    {
        // -4 of 2 characters against -6 of 10: acc takes the first, acc_norm the second.
        const auto records = measure(R"({"context": "Q", "choices": ["ab", "abcdefghij"], "gold": 1})", {{-4, -6}});
        QCOMPARE(records.size(), std::size_t(2));
        QCOMPARE(records[0].name, std::string("acc"));
        QCOMPARE(*records[0].value, 0.0);
        QCOMPARE(records[1].name, std::string("acc_norm"));
        QCOMPARE(*records[1].value, 1.0);
        QVERIFY(!records[0].minimise);
        const core::Json& item = records[0].details.at("items").at(0);
        QCOMPARE(item.at("chosen").get<int>(), 0);
        QCOMPARE(item.at("chosen_norm").get<int>(), 1);
        QCOMPARE(item.at("gold").get<int>(), 1);
        QVERIFY(std::fabs(item.at("log_likelihoods").at(0).get<double>() + 4) < 1e-4);
        QVERIFY(!records[0].standardError.has_value()); // one item
    }

    void tiesGoToTheLowestIndexAndAreCounted()
    {
        const auto records = measure(R"({"context": "Q", "choices": ["ab", "ab"], "gold": 0})", {{-3, -3}});
        QCOMPARE(*records[0].value, 1.0);
        QCOMPARE(records[0].details.at("ties").get<int>(), 1);
    }

    void errorIsThatOfAShare()
    {
        QByteArray lines;
        std::vector<std::vector<double>> sums;
        for (int i = 0; i < 5; ++i) {
            lines += R"({"context": "Q", "choices": ["a", "b"], "gold": 0})"
                     "\n";
            sums.push_back(i < 3 ? std::vector<double> {-1, -2} : std::vector<double> {-2, -1});
        }
        const auto all = measure(lines, sums);
        QCOMPARE(*all[0].value, 0.6);
        QCOMPARE(*all[0].standardError, std::sqrt(0.6 * 0.4 / 4));
        QCOMPARE(all[0].n, std::int64_t(5));
        QCOMPARE(all[0].details.at("correct"), core::Json({1, 1, 1, 0, 0}));
        // Four drawn of five are nearly all there are.
        sums.pop_back();
        const auto part = measure(lines, sums, {.file = {}, .limit = 4, .order = "shuffled"});
        const double share = *part[0].value;
        QVERIFY(std::fabs(*part[0].standardError - std::sqrt(share * (1 - share) / 3) * std::sqrt(1 - 4.0 / 5)) <
                1e-12);
    }

    void unnormalisableTasksHaveNoNorm()
    {
        const auto records =
            measure(R"({"contexts": ["The dog", "The cat"], "continuation": "barked", "gold": 0})", {{-1, -2}});
        QCOMPARE(records.size(), std::size_t(1));
    }

    void clozeIsGreedyAndHasAPerplexity()
    {
        const auto records = measure("{\"context\": \"Once upon a\", \"target\": \"time\"}\n"
                                     "{\"context\": \"Once upon a\", \"target\": \"day\"}\n",
                                     {{-0.1}, {-30}});
        QCOMPARE(records.size(), std::size_t(2));
        QCOMPARE(*records[0].value, 0.5);
        QCOMPARE(records[1].name, std::string("target_perplexity"));
        QVERIFY(std::fabs(std::log(*records[1].value) - 15.05) < 1e-3);
    }

    void agreesWithFloat64()
    {
        const core::Json document = evaluated(kTinyLlama, task(kArcEasy, {{"limit", 6}}), 2);
        const core::Json& items = metricNamed(document, "acc").at("items");
        const core::Tokenizer tokenizer = core::Tokenizer::load(kTinyLlama).value();
        const auto read = core::readTaskItems({.file = kArcEasy, .limit = 6}).value();
        std::vector<core::EncodedPair> pairs;
        std::vector<std::vector<std::int32_t>> inputs;
        std::vector<double> found;
        for (std::size_t i = 0; i < read.items.size(); ++i) {
            for (std::size_t choice = 0; choice < read.items[i].pairs.size(); ++choice) {
                pairs.push_back(core::encodePair(read.items[i].pairs[choice], tokenizer, "auto", 512).value());
                inputs.push_back(pairs.back().input);
                found.push_back(items[i].at("log_likelihoods")[choice].get<double>());
            }
        }
        const std::vector<Logits> logits = logitsOf(kTinyLlama, inputs);
        double worst = 0;
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            double sum = 0;
            for (std::size_t t = 0; t < pairs[i].targets.size(); ++t)
                sum += logits[i].logProbability(pairs[i].firstScored + t, pairs[i].targets[t]);
            worst = std::max(worst, std::fabs(sum - found[i]));
        }
        qInfo("largest difference %.1e nats per choice", worst);
        QVERIFY(worst < 5e-5); // sums of a dozen float32 losses
    }

    /// What else is evaluated with an item shows in no bit of its scores.
    void companyChangesNothing_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addRow("one thread") << 1;
        QTest::addRow("two threads") << 2;
        QTest::addRow("three threads") << 3;
    }
    void companyChangesNothing()
    {
        QFETCH(int, threads);
        const core::Json few = evaluated(kTinyLlama, task(kArcEasy, {{"limit", 3}}), threads);
        core::Json request = task(kArcEasy, {{"limit", 7}});
        request.push_back({{"name", "perplexity"}, {"options", {{"corpus", kWikiText}, {"windows", 3}}}});
        const core::Json many = evaluated(kTinyLlama, request, threads);
        for (std::size_t i = 0; i < 3; ++i)
            QCOMPARE(metricNamed(many, "acc").at("items").at(i), metricNamed(few, "acc").at("items").at(i));
        // A sequence all alone.
        const std::string single = write("one.jsonl", R"({"id": "x", "context": "The sky is very", "target": "blue"})");
        core::Json alone = task(single);
        const core::Json one = evaluated(kTinyLlama, alone, threads);
        alone.push_back(request.at(0));
        const core::Json accompanied = evaluated(kTinyLlama, alone, threads);
        QCOMPARE(accompanied.at("metrics").at(0), one.at("metrics").at(0));
    }

    void windowAloneIsTheWindowAmongOthers_data() { companyChangesNothing_data(); }
    void windowAloneIsTheWindowAmongOthers()
    {
        QFETCH(int, threads);
        const auto windows = [&](int count) {
            return metricNamed(evaluated(kTinyLlama,
                                         {{{"name", "perplexity"},
                                           {"options", {{"corpus", kWikiText}, {"length", 300}, {"windows", count}}}}},
                                         threads),
                               "perplexity")
                .at("windows");
        };
        QCOMPARE(windows(5).at(0), windows(1).at(0));
    }

    void bitsPerByteAgreesWithFloat64()
    {
        const core::Json options {{"corpus", kWikiText}, {"length", 40}, {"windows", 4}};
        const core::Json document = evaluated(kTinyLlama, {{{"name", "bits_per_byte"}, {"options", options}}});
        const core::Json& found = metricNamed(document, "bits_per_byte");
        const core::Tokenizer tokenizer = core::Tokenizer::load(kTinyLlama).value();
        const std::string text = core::readTextFile(kWikiText).value();
        const auto ids = tokenizer.encode(text);
        // Each token from the one before it in its own window, the first from BOS.
        double bits = 0;
        for (std::size_t window = 0; window < 4; ++window) {
            std::vector<std::int32_t> input {window == 0 ? tokenizer.bosId().value() : ids[window * 40 - 1]};
            input.insert(input.end(), ids.begin() + std::ptrdiff_t(window * 40),
                         ids.begin() + std::ptrdiff_t(window * 40 + 39));
            const Logits logits = logitsOf(kTinyLlama, {input}).front();
            for (std::size_t i = 0; i < 40; ++i)
                bits -= logits.logProbability(i, ids[window * 40 + i]) / std::numbers::ln2;
        }
        const std::string covered = tokenizer.decode(std::span(ids).first(160)).value();
        QVERIFY(text.starts_with(covered));
        QCOMPARE(found.at("bytes_covered").get<double>(), double(covered.size()));
        QVERIFY(std::fabs(found.at("value").get<double>() - bits / double(covered.size())) < 1e-6);
        QCOMPARE(found.at("n").get<int>(), 4);
    }
};

QTEST_GUILESS_MAIN(TstTaskAccuracy)
#include "tst_task_accuracy.moc"
