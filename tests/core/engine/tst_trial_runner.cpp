// SPDX-License-Identifier: Apache-2.0
// Whole trials on the bundled model, and the numbers of the real one where it is at hand.
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/engine/trial_runner.h"
#include "core/sweep/sweep.h"
#include "tests/core/engine/trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <map>

using namespace paretoscope;

namespace {

double perplexityOf(const core::TrialOutcome& outcome)
{
    return *metricOf(outcome, "perplexity").value;
}

} // namespace

class TstTrialRunner : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void methodsOrderAsPublished()
    {
        const SweepUnderTest test("  - []\n  - [rtn: {bits: [2, 3, 4, 8], group_size: 64}]\n"
                                  "  - [gptq: {bits: [2, 3, 4], group_size: 64}]\n");
        QCOMPARE(test.trials.size(), std::size_t(8));
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        std::map<std::string, double> perplexity;
        std::map<std::string, double> bytes;
        for (std::size_t i = 0; i < test.trials.size(); ++i) {
            const auto outcome = runner.run(test.request(i), observer);
            QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
            const std::string label = test.trials[i].pipeline.label();
            perplexity[label] = perplexityOf(outcome.value());
            bytes[label] = *metricOf(outcome.value(), "stored_bytes").value;
            qInfo("%-32s %8.3f %9.0f B", label.c_str(), perplexity[label], bytes[label]);
        }
        const auto rtn = [&](int bits) { return "rtn(bits=" + std::to_string(bits) + ",group_size=64)"; };
        const auto gptq = [&](int bits) { return "gptq(bits=" + std::to_string(bits) + ",group_size=64)"; };
        QVERIFY(perplexity.at(gptq(2)) < 0.8 * perplexity.at(rtn(2)));
        QVERIFY(perplexity.at(gptq(3)) < 0.97 * perplexity.at(rtn(3)));
        QVERIFY(perplexity.at(rtn(2)) > perplexity.at(rtn(3)));
        QVERIFY(perplexity.at(rtn(3)) > perplexity.at(rtn(4)));
        QVERIFY(std::fabs(perplexity.at(rtn(8)) / perplexity.at("baseline") - 1) < 0.005);
        // bf16 weights: the file's tensors, 2 bytes each.
        QCOMPARE(bytes.at("baseline"), 2.0 * 1311872);
        // 4 + (16 + 4) / 64 bits for the 786,432 weights of the linears, 16 for the rest.
        QCOMPARE(bytes.at(rtn(4)), 786432 * 4.3125 / 8 + 2.0 * (1311872 - 786432));
        QCOMPARE(bytes.at(gptq(4)), bytes.at(rtn(4)));
    }

    void repeatsBitForBit_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addRow("one thread") << 1;
        QTest::addRow("two threads") << 2;
    }
    void repeatsBitForBit()
    {
        QFETCH(int, threads);
        const SweepUnderTest test("  - [gptq: {bits: 3, group_size: 32}]\n", 3);
        Observer observer;
        engine::TrialRunner first(optionsFor(threads));
        engine::TrialRunner second(optionsFor(threads));
        const auto once = first.run(test.request(0), observer);
        const auto again = first.run(test.request(0), observer); // warm
        const auto fresh = second.run(test.request(0), observer);
        QVERIFY(once.ok() && again.ok() && fresh.ok());
        QCOMPARE(perplexityOf(again.value()), perplexityOf(once.value()));
        QCOMPARE(perplexityOf(fresh.value()), perplexityOf(once.value()));
        QCOMPARE(metricOf(fresh.value(), "perplexity").details.at("windows"),
                 metricOf(once.value(), "perplexity").details.at("windows"));
    }

    void sharedStatisticsGiveTheSameNumbers()
    {
        const QTemporaryDir cache;
        const SweepUnderTest test("  - [gptq: {bits: [3, 4], group_size: 64, propagate: original}]\n", 3);
        Observer observer;
        engine::TrialRunner cold(optionsFor());
        engine::TrialRunner cached(optionsFor(1, cache.path()));
        for (std::size_t i = 0; i < test.trials.size(); ++i) {
            const auto expected = cold.run(test.request(i), observer);
            const auto found = cached.run(test.request(i), observer);
            QVERIFY(expected.ok() && found.ok());
            QCOMPARE(perplexityOf(found.value()), perplexityOf(expected.value()));
            const int fromCache = found.value().provenance.at("statistics").at("from_cache").get<int>();
            QCOMPARE(fromCache, i == 0 ? 0 : 16);
        }
    }

    void layerRecordsCoverEveryUnit()
    {
        const SweepUnderTest test("  - [gptq: {bits: 4, group_size: 64, include: ['*.mlp.*']}]\n", 1);
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(outcome.ok());
        std::map<std::string, int> counts;
        for (const core::LayerMetricRecord& record : outcome.value().layerMetrics)
            ++counts[record.name];
        QCOMPARE(counts.at("relative_weight_error"), 12);
        QCOMPARE(counts.at("relative_output_error"), 12);
        QCOMPARE(counts.at("damping"), 12);
    }

    void refusesBeforeAnyWork_data()
    {
        QTest::addColumn<QByteArray>("pipeline");
        QTest::addColumn<int>("code");
        QTest::addRow("pattern without match")
            << QByteArray("  - [rtn: {include: ['*.experts.*']}]\n") << int(core::ErrorCode::InvalidArgument);
    }
    void refusesBeforeAnyWork()
    {
        QFETCH(QByteArray, pipeline);
        QFETCH(int, code);
        const SweepUnderTest test(pipeline.toStdString(), 1);
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(int(outcome.error().code), code);
    }

    void changedModelIsNoticed()
    {
        SweepUnderTest test("  - []\n", 1);
        test.identity.model = core::sha256("another model");
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::Corrupt);
    }

    void cancelledTrialSaysSo()
    {
        const SweepUnderTest test("  - [rtn: {bits: 4}]\n", 1);
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        observer.cancelled = true;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::Cancelled);
    }

    void evaluateWritesLogitsThatTransformersGives()
    {
        const QTemporaryDir folder;
        const std::filesystem::path out = (folder.path() + QStringLiteral("/logits.safetensors")).toStdString();
        const std::filesystem::path model = PARETOSCOPE_TEST_DATA "/parity/models/llama_linear";

        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const std::filesystem::path tokens = model / "golden.json";
        const auto done =
            runner.evaluate({{"model", model.string()},
                             {"logits", {{"tokens", tokens.string()}, {"out", out.string()}, {"hidden_states", true}}}},
                            observer);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const auto ours = core::SafetensorsFile::open(out);
        const auto golden = core::SafetensorsFile::open(model / "golden.safetensors");
        QVERIFY(ours.ok() && golden.ok());
        QCOMPARE(ours.value().tensors().size(), std::size_t(2 + 2 * 3));
        for (const char* name : {"logits_0", "logits_1", "hidden_0_embed", "hidden_0_block_0", "hidden_0_block_1"}) {
            const auto found = ours.value().readFloat32(name);
            const auto expected = golden.value().readFloat32(name);
            QVERIFY2(found.ok() && expected.ok(), name);
            QCOMPARE(found.value().size(), expected.value().size());
            float largest = 0;
            float worst = 0;
            for (std::size_t i = 0; i < expected.value().size(); ++i) {
                largest = std::max(largest, std::fabs(expected.value()[i]));
                worst = std::max(worst, std::fabs(expected.value()[i] - found.value()[i]));
            }
            QVERIFY2(worst <= 5e-5F * largest, name);
        }
    }

    void evaluateWritesRouterChoices()
    {
        const QTemporaryDir folder;
        const std::filesystem::path out = (folder.path() + QStringLiteral("/router.safetensors")).toStdString();
        const std::filesystem::path model = PARETOSCOPE_TEST_DATA "/parity/models/deepseek_v2";
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const core::Json request {
            {"tokens", (model / "golden.json").string()}, {"out", out.string()}, {"router", true}};
        const auto done = runner.evaluate({{"model", model.string()}, {"logits", request}}, observer);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const auto ours = core::SafetensorsFile::open(out);
        const auto golden = core::SafetensorsFile::open(model / "golden.safetensors");
        QVERIFY(ours.ok() && golden.ok());
        QCOMPARE(ours.value().tensors().size(), std::size_t(2 * 3)); // layer 0 is dense
        for (const char* sequence : {"router_0_layer_1", "router_1_layer_1"}) {
            const std::string index = std::string(sequence) + "_index";
            const core::SafetensorsEntry* chosen = ours.value().find(index);
            QVERIFY(chosen);
            QCOMPARE(chosen->type, core::ElementType::I32);
            QVERIFY(std::ranges::equal(chosen->data, golden.value().find(index)->data));
            const auto weights = ours.value().readFloat32(std::string(sequence) + "_weight");
            const auto expected = golden.value().readFloat32(std::string(sequence) + "_weight");
            QVERIFY(weights.ok() && expected.ok());
            for (std::size_t i = 0; i < expected.value().size(); ++i)
                QVERIFY(std::fabs(weights.value()[i] - expected.value()[i]) <= 1e-4F);
        }

        const auto refused =
            runner.evaluate({{"model", (kResources / "models/tiny-llama").string()}, {"logits", request}}, observer);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::Unsupported);
    }

    void mixtureOrdersAsPublished()
    {
        const SweepUnderTest test("  - []\n  - [rtn: {bits: [3, 4], group_size: 64}]\n"
                                  "  - [gptq: {bits: [3, 4], group_size: 64, min_tokens: 1}]\n",
                                  6, "tiny-qwen3-moe");
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        std::map<std::string, double> perplexity;
        for (std::size_t i = 0; i < test.trials.size(); ++i) {
            const auto outcome = runner.run(test.request(i), observer);
            QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
            const std::string label = test.trials[i].pipeline.label();
            perplexity[label.substr(0, label.find(','))] = perplexityOf(outcome.value());
            qInfo("%-48s %8.3f", label.c_str(), perplexityOf(outcome.value()));
        }
        QVERIFY(perplexity.at("gptq(bits=3") < perplexity.at("rtn(bits=3"));
        QVERIFY(perplexity.at("gptq(bits=4") < perplexity.at("gptq(bits=3"));
        QVERIFY(perplexity.at("rtn(bits=4") < perplexity.at("rtn(bits=3"));
        QVERIFY(perplexity.at("baseline") < perplexity.at("rtn(bits=3"));
    }

    void realModelAgreesWithTransformers()
    {
        const QByteArray models = qgetenv("PARETOSCOPE_MODELS");
        const std::filesystem::path model =
            std::filesystem::path(models.toStdString()) / "SmolLM2-135M-Instruct.Q4_1.gguf";
        if (models.isEmpty() || !std::filesystem::exists(model))
            QSKIP("PARETOSCOPE_MODELS names no folder with SmolLM2-135M-Instruct.Q4_1.gguf");
        // All 32 windows take a minute; the first four are enough to notice a change.
        const int windows = qEnvironmentVariableIntValue("PARETOSCOPE_ALL_WINDOWS") ? 32 : 4;
        engine::TrialRunner runner(optionsFor(2));
        Observer observer;
        const auto done = runner.evaluate(
            {{"model", model.string()},
             {"metrics",
              {{{"name", "perplexity"},
                {"options",
                 {{"corpus", (kResources / "demo/corpora/wiki.test.tokens").string()}, {"windows", windows}}}}}}},
            observer);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const auto text = core::readTextFile(PARETOSCOPE_TEST_DATA "/parity/smollm2_gguf.json");
        const core::Json expected = core::Json::parse(text.value());
        double worst = 0;
        for (int i = 0; i < windows; ++i)
            worst = std::max(worst,
                             std::fabs(done.value().at("metrics").at(0).at("windows").at(std::size_t(i)).get<double>() -
                                       expected.at("n512").at("window_nll").at(std::size_t(i)).get<double>()));
        qInfo("largest difference of %d window losses: %.2e nats, %.0f tokens/s", windows, worst,
              done.value().at("tokens_per_second").get<double>());
        QVERIFY(worst <= expected.at("tolerance").at("window_nll_abs").get<double>());
    }
};

QTEST_GUILESS_MAIN(TstTrialRunner)
#include "tst_trial_runner.moc"
