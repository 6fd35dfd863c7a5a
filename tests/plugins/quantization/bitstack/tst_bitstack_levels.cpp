// SPDX-License-Identifier: Apache-2.0
// BitStack on a whole model: one run, many sizes.
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

#include <limits>

using namespace paretoscope;

namespace {

double valueOf(const core::TrialOutcome& outcome, const char* metric)
{
    return *metricOf(outcome, metric).value;
}

std::string pipeline(const std::string& parameters)
{
    return "  - [bitstack: {" + parameters + "}]\n";
}

} // namespace

class TstBitstackLevels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void moreBitsMakeABetterModel_data()
    {
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<double>("most"); // perplexity of the largest size, of that of the model
        // Six blocks leave (1 - 2/π)^6, a fifth of a percent, of the energy of normal weights.
        QTest::addRow("by error") << QStringLiteral("blocks: 6, rank: 2, target_size: [2, 3, 4, 9]") << 1.1;
        QTest::addRow("by perplexity")
            << QStringLiteral("blocks: 3, rank: 2, sort: perplexity, sort_samples: 1, target_size: [2, 3, 4]")
            << std::numeric_limits<double>::infinity();
    }
    void moreBitsMakeABetterModel()
    {
        QFETCH(QString, parameters);
        QFETCH(double, most);
        const SweepUnderTest test("  - []\n" + pipeline(parameters.toStdString()));
        QVERIFY(test.trials.size() >= 4);
        tests::SilentObserver observer;
        const QTemporaryDir cache;
        engine::TrialRunner runner(optionsFor(1, cache.path()));
        const auto baseline = runner.run(test.request(0), observer);
        QVERIFY(baseline.ok());
        double perplexity = std::numeric_limits<double>::infinity();
        double bytes = 0;
        for (std::size_t i = 1; i < test.trials.size(); ++i) {
            core::TrialRequest request = test.request(i);
            request.sharedBeginnings = {1}; // the stack, before it is cut
            const auto outcome = runner.run(request, observer);
            QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
            QVERIFY2(valueOf(outcome.value(), "perplexity") < perplexity,
                     qPrintable(QStringLiteral("trial %1: %2 after %3")
                                    .arg(i)
                                    .arg(valueOf(outcome.value(), "perplexity"))
                                    .arg(perplexity)));
            QVERIFY(valueOf(outcome.value(), "stored_bytes") > bytes);
            perplexity = valueOf(outcome.value(), "perplexity");
            bytes = valueOf(outcome.value(), "stored_bytes");
        }
        const double least = valueOf(baseline.value(), "perplexity");
        QVERIFY2(perplexity < most * least, qPrintable(QStringLiteral("%1 of %2").arg(perplexity).arg(least)));
    }

    void aCutIsWhatARunOfItsOwnGives()
    {
        // The second trial takes the stack of the first from the cache; without a cache it makes its own.
        const QTemporaryDir cache;
        const SweepUnderTest test(pipeline("blocks: 4, target_size: [2, 4]"), 2);
        tests::SilentObserver observer;
        engine::TrialRunner shared(optionsFor(1, cache.path()));
        core::TrialRequest first = test.request(0);
        core::TrialRequest second = test.request(1);
        first.sharedBeginnings = second.sharedBeginnings = {1};
        QVERIFY(shared.run(first, observer).ok());
        const auto cut = shared.run(second, observer);
        engine::TrialRunner alone(optionsFor(1));
        const auto own = alone.run(test.request(1), observer);
        QVERIFY(cut.ok() && own.ok());
        QCOMPARE(valueOf(cut.value(), "perplexity"), valueOf(own.value(), "perplexity"));
        QCOMPARE(valueOf(cut.value(), "stored_bytes"), valueOf(own.value(), "stored_bytes"));
    }

    void tooSmallASizeNamesTheSmallest()
    {
        const SweepUnderTest test(pipeline("blocks: 2, rank: 4, target_size: 1.5"), 2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
        // tiny-llama has per block 2 of [128, 128], 2 of [64, 128] and 3 of 384 by 128: 196608 weights, hence
        // 24576 bytes of signs, 2 * 4 * (2 * 256 + 2 * 192 + 3 * 512) of magnitudes and 2 * (6 * 128 + 384) of scales.
        QVERIFY2(outcome.error().sentence().find("1.886") != std::string::npos, outcome.error().sentence().c_str());
    }

    void prunedWeightsAreRefused()
    {
        const SweepUnderTest test("  - [magnitude: {sparsity: 0.5}, bitstack: {blocks: 2}]\n", 2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QVERIFY2(outcome.error().sentence().find("blocks of signs hold no zeros") != std::string::npos,
                 outcome.error().sentence().c_str());
    }

    void sortingByPerplexityIsRefusedWhereItTakesForEver()
    {
        // 28 layers, 63 levels above the first.
        const SweepUnderTest test(pipeline("blocks: 64, sort: perplexity"), 2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
    }
};

QTEST_GUILESS_MAIN(TstBitstackLevels)
#include "tst_bitstack_levels.moc"
