// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/paired.h"

#include <QtTest>

#include <cmath>
#include <vector>

using namespace paretoscope::core;

class TstPaired : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatBothShareCancels()
    {
        // Windows that differ by nats, models that differ by 0.1 in each.
        const std::vector<double> a {1, 2, 9};
        const std::vector<double> b {1.1, 2.1, 9.1};
        const Estimate difference = pairedDifference(a, b);
        QVERIFY(std::fabs(difference.value - 0.1) < 1e-12);
        QVERIFY(*difference.standardError < 1e-12);
        QVERIFY(*standardErrorOfMean(a) > 2);
        QVERIFY(!pairedDifference(std::vector<double> {1}, std::vector<double> {2}).standardError.has_value());
    }

    void weightedDifferenceByHand()
    {
        // Differences 1, 3 over weights 2, 2: ratio 1, residuals -1, 1, var = 2 / 16 · 2.
        const Estimate difference = pairedRatioDifference(std::vector<double> {1, 1}, std::vector<double> {2, 4},
                                                          std::vector<double> {2, 2});
        QCOMPARE(difference.value, 1.0);
        QCOMPARE(*difference.standardError, std::sqrt(2.0 / 16 * 2));
    }

    void mcNemarCountsDiscordantItems_data()
    {
        QTest::addColumn<int>("onlyFirst");
        QTest::addColumn<int>("onlySecond");
        QTest::addColumn<double>("probability");
        // Exact two-sided binomial: scipy.stats.binomtest(k, n, 0.5).pvalue
        QTest::addRow("never differ") << 0 << 0 << 1.0;
        QTest::addRow("one way once") << 1 << 0 << 1.0;
        QTest::addRow("one way six times") << 6 << 0 << 0.03125;
        QTest::addRow("both ways alike") << 5 << 5 << 1.0;
        QTest::addRow("nine against one") << 9 << 1 << 0.021484375;
        QTest::addRow("thirty against ten") << 30 << 10 << 0.0022214337732293643;
    }
    void mcNemarCountsDiscordantItems()
    {
        QFETCH(int, onlyFirst);
        QFETCH(int, onlySecond);
        QFETCH(double, probability);
        std::vector<int> first(100, 1);
        std::vector<int> second(100, 1);
        for (int i = 0; i < onlyFirst; ++i)
            second[std::size_t(i)] = 0;
        for (int i = 0; i < onlySecond; ++i)
            first[std::size_t(99 - i)] = 0;
        const McNemar test = mcNemar(first, second);
        QCOMPARE(int(test.onlyFirst), onlyFirst);
        QCOMPARE(int(test.onlySecond), onlySecond);
        QVERIFY2(std::fabs(test.probability - probability) < 1e-10, qPrintable(QString::number(test.probability, 'g', 14)));
        QCOMPARE(test.difference.value, (onlySecond - onlyFirst) / 100.0);
        // The same as the paired difference of zeros and ones, but with n for n - 1.
        const std::vector<double> a(first.begin(), first.end());
        const std::vector<double> b(second.begin(), second.end());
        const double expected = *pairedDifference(a, b).standardError * std::sqrt(99.0 / 100);
        QVERIFY(std::fabs(*test.difference.standardError - expected) < 1e-12);
    }
};

QTEST_GUILESS_MAIN(TstPaired)
#include "tst_paired.moc"
