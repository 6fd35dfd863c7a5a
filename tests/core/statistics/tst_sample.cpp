// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/sample.h"

#include <QtTest>

#include <cmath>
#include <vector>

using namespace paretoscope::core;

class TstSample : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void meanAndItsErrorByHand()
    {
        const std::vector<double> values {2, 1, 3};
        QCOMPARE(meanOf(values), 2.0);
        QCOMPARE(*standardErrorOfMean(values), 1 / std::sqrt(3.0)); // sd 1
        QVERIFY(!standardErrorOfMean(std::vector<double> {5}).has_value());
        QVERIFY(std::isnan(meanOf({})));
    }

    void ratioOfEqualDenominatorsIsTheMean()
    {
        const std::vector<double> sums {8, 4, 12};
        const std::vector<double> counts {4, 4, 4};
        const Estimate ratio = ratioEstimate(sums, counts);
        QCOMPARE(ratio.value, 2.0);
        QCOMPARE(*ratio.standardError, 1 / std::sqrt(3.0));
    }

    void ratioByHand()
    {
        // R = 9 / 6; residuals 0.5, -1.5, 1; Σ² = 3.5; var = 3.5 / 36 · 3 / 2.
        const std::vector<double> above {2, 3, 4};
        const std::vector<double> below {1, 3, 2};
        const Estimate ratio = ratioEstimate(above, below);
        QCOMPARE(ratio.value, 1.5);
        QCOMPARE(*ratio.standardError, std::sqrt(3.5 / 36 * 1.5));
        QVERIFY(!ratioEstimate(std::vector<double> {1}, std::vector<double> {2}).standardError.has_value());
    }

    void shareIsTheMeanOfZerosAndOnes()
    {
        const std::vector<double> values {1, 0, 1, 1, 0};
        QVERIFY(std::fabs(*standardErrorOfShare(0.6, 5) - *standardErrorOfMean(values)) < 1e-15);
        QVERIFY(!standardErrorOfShare(1, 1).has_value());
    }

    void quantilesInterpolate_data()
    {
        QTest::addColumn<QList<double>>("values");
        QTest::addColumn<double>("fraction");
        QTest::addColumn<double>("expected");
        QTest::addRow("99 %% of five") << QList<double> {0, 1, 2, 3, 4} << 0.99 << 3.96;
        QTest::addRow("median of an even count") << QList<double> {1, 2, 4, 8} << 0.5 << 3.0;
        QTest::addRow("one value") << QList<double> {7} << 0.3 << 7.0;
        QTest::addRow("maximum") << QList<double> {1, 9} << 1.0 << 9.0;
    }
    void quantilesInterpolate()
    {
        QFETCH(QList<double>, values);
        QFETCH(double, fraction);
        QFETCH(double, expected);
        QVERIFY(std::fabs(quantileOf(std::vector<double>(values.begin(), values.end()), fraction) - expected) < 1e-12);
    }

    void correlationByHand()
    {
        const std::vector<double> a {1, 2, 3};
        QCOMPARE(*correlationOf(a, std::vector<double> {2, 4, 6}), 1.0);
        QCOMPARE(*correlationOf(a, std::vector<double> {3, 2, 1}), -1.0);
        QVERIFY(std::fabs(*correlationOf(a, std::vector<double> {1, 3, 2}) - 0.5) < 1e-15);
        QVERIFY(!correlationOf(a, std::vector<double> {4, 4, 4}).has_value());
    }
};

QTEST_GUILESS_MAIN(TstSample)
#include "tst_sample.moc"
