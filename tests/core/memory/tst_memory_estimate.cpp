// SPDX-License-Identifier: Apache-2.0
#include "core/memory/memory_estimate.h"

#include <QtTest>

using namespace paretoscope;
using core::Bytes;
using core::MemoryEstimate;

namespace {

constexpr std::int64_t kMebibyte = std::int64_t(1) << 20;
constexpr Bytes kPhysical {64 * 1024 * kMebibyte};

/// A Llama of 1.2 B parameters.
core::ModelSizes largeModel()
{
    core::ModelSizes sizes;
    const std::int64_t matrices = 2 * 2048 * 2048 + 2 * 512 * 2048 + 3 * 2048 * 5632;
    sizes.largestBlock = {4 * (matrices + 2 * 2048)};
    sizes.entry = {4 * 32000 * 2048};
    sizes.head = sizes.entry;
    sizes.weights = {24 * sizes.largestBlock.value + 2 * sizes.entry.value};
    sizes.largestStored = {2 * 32000 * 2048};
    sizes.matrices = {4 * 24 * matrices};
    sizes.hidden = 2048;
    sizes.widest = 5632;
    sizes.widestInput = 5632;
    sizes.outOfWidest = 2048;
    sizes.vocabulary = 32000;
    return sizes;
}

core::TrialLoad gptq(std::int64_t samples)
{
    core::TrialLoad load;
    load.evaluation = {8, 512, 8 * 512};
    load.calibration = {samples, 512, samples * 512};
    load.replacesWeights = true;
    load.statisticPerSquare = 12;
    load.valuePerSquare = 4;
    load.workPerSquare = 8;
    load.workPerWeight = 10;
    load.threads = 2;
    return load;
}

core::TrialLoad evaluationOnly(std::int64_t windows)
{
    core::TrialLoad load;
    load.evaluation = {windows, 512, windows * 512};
    load.threads = 2;
    return load;
}

core::TrialLoad comparison(int metrics, bool otherBaseline)
{
    core::TrialLoad load = evaluationOnly(8);
    load.referenceHeads = metrics;
    load.readsOtherBaseline = otherBaseline;
    return load;
}

} // namespace

Q_DECLARE_METATYPE(paretoscope::core::TrialLoad)

class TstMemoryEstimate : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void withoutBudgetWhatFitsStaysInMemory()
    {
        const MemoryEstimate estimate = core::planMemory(largeModel(), gptq(8), std::nullopt, kPhysical);
        QVERIFY(estimate.plan.keepsWeights && estimate.plan.keepsPasses && estimate.plan.readsAhead);
        QVERIFY(!estimate.plan.spillsReplacements);
        QCOMPARE(estimate.scratch.value, std::int64_t(0));
        QVERIFY(estimate.peak > largeModel().weights);

        // A model above a quarter of the machine is read block by block.
        const MemoryEstimate small = core::planMemory(largeModel(), gptq(8), std::nullopt, {8 * 1024 * kMebibyte});
        QVERIFY(!small.plan.keepsWeights);
        QVERIFY(small.peak < largeModel().weights);
    }

    void everyPlanStaysWithinItsBudget_data()
    {
        QTest::addColumn<core::TrialLoad>("load");
        QTest::addRow("evaluation") << evaluationOnly(8);
        QTest::addRow("evaluation of a whole corpus") << evaluationOnly(100'000);
        QTest::addRow("comparison with a baseline") << comparison(1, false);
        QTest::addRow("comparison with another model") << comparison(2, true);
        QTest::addRow("gptq") << gptq(8);
        QTest::addRow("gptq, many samples") << gptq(4096);
    }
    void everyPlanStaysWithinItsBudget()
    {
        QFETCH(core::TrialLoad, load);
        const core::ModelSizes model = largeModel();
        const Bytes least = core::planMemory(model, load, Bytes {1}, kPhysical).least;
        for (std::int64_t budget = least.value; budget < 16 * 1024 * kMebibyte; budget += 100 * kMebibyte) {
            const MemoryEstimate estimate = core::planMemory(model, load, Bytes {budget}, kPhysical);
            QVERIFY2(estimate.peak.value <= budget, qPrintable(QString::number(budget)));
            QVERIFY(core::requireWithin(estimate, Bytes {budget}).ok());
            QCOMPARE(estimate.least, least);
        }
    }

    void oneGibibyteHoldsTheLargeModel()
    {
        for (const core::TrialLoad& load : {evaluationOnly(8), gptq(8)}) {
            const Bytes budget {1024 * kMebibyte};
            const MemoryEstimate estimate = core::planMemory(largeModel(), load, budget, kPhysical);
            QVERIFY(core::requireWithin(estimate, budget).ok());
            QVERIFY(!estimate.plan.keepsWeights);
        }
    }

    void tooSmallABudgetIsRefusedWithTheOneThatDoes()
    {
        const Bytes budget {300 * kMebibyte};
        const MemoryEstimate estimate = core::planMemory(largeModel(), gptq(8), budget, kPhysical);
        const core::Status status = core::requireWithin(estimate, budget);
        QVERIFY(!status.ok());
        QCOMPARE(status.error().code, core::ErrorCode::OutOfMemory);
        const QString message = QString::fromStdString(status.error().message);
        const QString needed = QString::number((estimate.least.value + kMebibyte - 1) / kMebibyte);
        QVERIFY2(message.contains(QStringLiteral("300 MiB")) && message.contains(needed), qPrintable(message));
        QVERIFY(QString::fromStdString(status.error().hint).contains(QStringLiteral("--memory-budget ") + needed));
    }

    void aSecondAttemptTakesLess()
    {
        core::TrialLoad load = gptq(64);
        load.threads = 8;
        const MemoryEstimate first = core::planMemory(largeModel(), load, std::nullopt, kPhysical);
        const MemoryEstimate second = core::planFrugally(largeModel(), load, std::nullopt);
        QVERIFY(second.peak.value < first.peak.value / 2);
        QCOMPARE(second.plan.inFlight, std::size_t(4));
    }

    void baselinesCount()
    {
        const core::ModelSizes model = largeModel();
        const auto least = [&](const core::TrialLoad& load) {
            return core::planMemory(model, load, Bytes {1}, kPhysical).least.value;
        };
        // A second head, the logits it makes and a copy of them, the hidden states of one window.
        const std::int64_t logits = std::int64_t(128) * 32000 * 4;
        QCOMPARE(least(comparison(1, false)) - least(evaluationOnly(8)),
                 model.head.value + 2 * logits + std::int64_t(512) * 2048 * 4);
        QCOMPARE(least(comparison(2, false)) - least(comparison(1, false)), model.head.value);
        // Without a budget another model stays in memory as well.
        const auto peak = [&](const core::TrialLoad& load) {
            return core::planMemory(model, load, std::nullopt, kPhysical).peak.value;
        };
        QVERIFY(peak(comparison(1, true)) - peak(comparison(1, false)) >= model.weights.value);
    }

    void metricsSayWhatTheyCompareWith()
    {
        core::WorkloadSpec workload;
        workload.model = "/models/this";
        const core::Json windows {{"corpus", "/nonexistent"}, {"length", 256}, {"windows", 4}};
        core::Json other = windows;
        other["baseline"] = "/models/other";
        const core::Json prompts {{"corpus", "/nonexistent"}, {"length", 200}, {"tokens", 100}, {"prompts", 3}};
        const core::PluginCatalogue plugins;
        const auto load = [&] { return core::trialLoad(workload, {}, plugins, 1); };
        workload.evaluate = {{"perplexity", windows}};
        QCOMPARE(load().referenceHeads, 0);
        workload.evaluate.push_back({"kl_divergence", windows});
        QCOMPARE(load().referenceHeads, 1);
        QVERIFY(!load().readsOtherBaseline);
        workload.evaluate.push_back({"kl_divergence", other});
        QCOMPARE(load().referenceHeads, 2);
        QVERIFY(load().readsOtherBaseline);
        QCOMPARE(load().evaluation.sequences, std::int64_t(4)); // the same windows all the time
        workload.evaluate.push_back({"greedy_match", prompts});
        QCOMPARE(load().evaluation.sequences, std::int64_t(7));
        QCOMPARE(load().evaluation.longest, std::int64_t(300));
    }

    void sizesComeFromHeaders()
    {
        const auto checkpoint = core::openCheckpoint(PARETOSCOPE_RESOURCES "/models/tiny-llama").value();
        const auto architecture =
            core::describeArchitecture(*checkpoint, PARETOSCOPE_RESOURCES "/architectures").value();
        const core::ModelSizes sizes = core::modelSizes(architecture, *checkpoint);
        QCOMPARE(sizes.weights.value, std::int64_t(4 * 1311872));
        QCOMPARE(sizes.matrices.value, std::int64_t(4 * 786432));
        QCOMPARE(sizes.largestBlock.value, std::int64_t(4 * (786432 / 4 + 2 * 128)));
        QCOMPARE(sizes.entry.value, std::int64_t(4 * 4096 * 128));
        QCOMPARE(sizes.head.value, sizes.entry.value); // tied
        QCOMPARE(sizes.hidden, std::int64_t(128));
        QCOMPARE(sizes.widestInput, std::int64_t(384));
        QCOMPARE(sizes.outOfWidest, std::int64_t(128));
    }
};

QTEST_GUILESS_MAIN(TstMemoryEstimate)
#include "tst_memory_estimate.moc"
