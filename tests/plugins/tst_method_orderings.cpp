// SPDX-License-Identifier: Apache-2.0
// Which methods are better than which on a trained model, as the literature has it.
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QtTest>

#include <string>
#include <vector>

using namespace paretoscope;

using Pipelines = std::vector<std::string>;

class TstMethodOrderings : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Every pipeline has a perplexity at least `margin` (relative) below that of the one before.
    void perplexityFalls_data()
    {
        QTest::addColumn<Pipelines>("pipelines");
        QTest::addColumn<double>("margin");
        QTest::addRow("3 bit with scaled channels")
            << Pipelines {"[rtn: {bits: 3, group_size: 64}]", "[awq: {bits: 3, group_size: 64}]"} << 0.02;
        QTest::addRow("pruning of half of the weights")
            << Pipelines {"[magnitude: {sparsity: 0.5}]", "[wanda: {sparsity: 0.5}]", "[sparsegpt: {sparsity: 0.5}]"}
            << 0.02;
        QTest::addRow("pruning 2:4") << Pipelines {"[magnitude: {pattern: \"2:4\"}]", "[wanda: {pattern: \"2:4\"}]",
                                                   "[sparsegpt: {pattern: \"2:4\"}]"}
                                     << 0.02;
        QTest::addRow("rank of EoRA on 2 bit RTN")
            << Pipelines {"[rtn: {bits: 2, group_size: 64}]", "[rtn: {bits: 2, group_size: 64}, eora: {rank: 4}]",
                          "[rtn: {bits: 2, group_size: 64}, eora: {rank: 16}]",
                          "[rtn: {bits: 2, group_size: 64}, eora: {rank: 48}]"}
            << 0.02;
        QTest::addRow("rank of EoRA on 2 bit GPTQ")
            << Pipelines {"[gptq: {bits: 2, group_size: 64}]", "[gptq: {bits: 2, group_size: 64}, eora: {rank: 4}]",
                          "[gptq: {bits: 2, group_size: 64}, eora: {rank: 16}]",
                          "[gptq: {bits: 2, group_size: 64}, eora: {rank: 48}]"}
            << 0.02;
        QTest::addRow("low rank at 80 %% of the weights")
            << Pipelines {"[svd: {ratio: 0.8}]", "[asvd: {ratio: 0.8}]", "[svd_llm: {ratio: 0.8}]"} << 0.02;
        QTest::addRow("second update of U at 60 %% of the weights")
            << Pipelines {"[svd_llm: {ratio: 0.6}]", "[svd_llm: {ratio: 0.6, update_u: true}]"} << 0.02;
        QTest::addRow("4 bit 2:4 with an adapter of SLiM")
            << Pipelines {"[wanda: {pattern: \"2:4\"}, slim: {bits: 4, rank_ratio: 0}]",
                          "[wanda: {pattern: \"2:4\"}, slim: {bits: 4, rank_ratio: 0.1}]",
                          "[wanda: {pattern: \"2:4\"}, slim: {bits: 4, rank_ratio: 0.3}]"}
            << 0.02;
    }
    void perplexityFalls()
    {
        QFETCH(Pipelines, pipelines);
        QFETCH(double, margin);
        std::string text;
        for (const std::string& pipeline : pipelines)
            text += "  - " + pipeline + '\n';
        const SweepUnderTest test(text, 16, "tiny-llama", "samples: 32, length: 512");
        QCOMPARE(test.trials.size(), pipelines.size());
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor(2));
        double before = 0;
        for (std::size_t i = 0; i < test.trials.size(); ++i) {
            const auto outcome = runner.run(test.request(i), observer);
            QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
            const double perplexity = *metricOf(outcome.value(), "perplexity").value;
            qInfo("%s: %.2f", pipelines[i].c_str(), perplexity);
            if (i > 0)
                QVERIFY2(perplexity < (1 - margin) * before,
                         qPrintable(QStringLiteral("%1 after %2").arg(perplexity).arg(before)));
            before = perplexity;
        }
    }
};

QTEST_GUILESS_MAIN(TstMethodOrderings)
#include "tst_method_orderings.moc"
