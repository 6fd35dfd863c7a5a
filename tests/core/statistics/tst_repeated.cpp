// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/repeated.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope::core;

using Values = QList<double>;

class TstRepeated : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void summary_data()
    {
        QTest::addColumn<Values>("seconds");
        QTest::addColumn<double>("median");
        QTest::addColumn<double>("best");
        QTest::addColumn<double>("variation");
        QTest::addColumn<bool>("isNoisy");
        QTest::addRow("nothing") << Values {} << 0.0 << 0.0 << 0.0 << false;
        QTest::addRow("one") << Values {2} << 2.0 << 2.0 << 0.0 << false;
        QTest::addRow("even") << Values {1, 3} << 2.0 << 1.0 << std::sqrt(2.0) / 2 << true;
        QTest::addRow("an outlier leaves the median alone")
            << Values {1, 1, 1, 1, 11} << 1.0 << 1.0 << std::sqrt(20.0) / 3 << true;
        QTest::addRow("quiet") << Values {100, 101, 102} << 101.0 << 100.0 << 1.0 / 101 << false;
    }
    void summary()
    {
        QFETCH(Values, seconds);
        QFETCH(double, median);
        QFETCH(double, best);
        QFETCH(double, variation);
        QFETCH(bool, isNoisy);
        const Repeated repeated = repeatedOf({seconds.begin(), seconds.end()});
        QCOMPARE(repeated.median, median);
        QCOMPARE(repeated.best, best);
        QCOMPARE(repeated.variation, variation);
        QCOMPARE(repeated.isNoisy(), isNoisy);
        QCOMPARE(repeated.count, int(seconds.size()));
    }

    void readsBackEqual()
    {
        const Repeated repeated = repeatedOf({0.25, 0.5, 1});
        const auto read = repeatedFromJson(toJson(repeated), "a");
        QVERIFY(read.ok());
        QVERIFY(read.value() == repeated);
        QVERIFY(!repeatedFromJson(toJson(Repeated {}), "a").ok()); // nothing may be divided by zero
        QVERIFY(!repeatedFromJson(Json::array(), "a").ok());
    }
};

QTEST_GUILESS_MAIN(TstRepeated)
#include "tst_repeated.moc"
