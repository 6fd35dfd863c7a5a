// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/format/format.h"
#include "views/table/clipboard_text.h"

#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

class TstFormat : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom)); }

    void bytes_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("expected");
        QTest::addRow("none") << 0.0 << u"0 B"_s;
        QTest::addRow("bytes stay whole") << 999.0 << u"999 B"_s;
        QTest::addRow("kilobyte is 1000") << 1000.0 << u"1.00 kB"_s;
        QTest::addRow("no 1000 kB") << 999960.0 << u"1.00 MB"_s;
        QTest::addRow("tiny-llama in bf16") << 2623744.0 << u"2.62 MB"_s;
        QTest::addRow("SmolLM2 in bf16 is 269 MB") << 2.0 * 134515008 << u"269 MB"_s;
        QTest::addRow("negative difference") << -1.5e6 << u"-1.50 MB"_s;
        QTest::addRow("not a number") << std::nan("") << u"–"_s;
    }
    void bytes()
    {
        QFETCH(double, value);
        QFETCH(QString, expected);
        QCOMPARE(format::bytes(value), expected);
    }

    void numberWithError_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<double>("error");
        QTest::addColumn<QString>("expected");
        QTest::addRow("error decides the digits") << 91.3484 << 0.4213 << u"91.35 ± 0.42"_s;
        QTest::addRow("large error, no decimals") << 243.859 << 31.2 << u"244 ± 31"_s;
        QTest::addRow("no error") << 91.3484 << 0.0 << u"91.35"_s;
        QTest::addRow("not finite") << std::numeric_limits<double>::infinity() << 0.1 << u"∞"_s;
        QTest::addRow("small") << 0.01234 << 0.00021 << u"0.01234 ± 0.00021"_s;
        QTest::addRow("very small") << 1.5e-6 << 0.0 << u"1.500E-06"_s;
        QTest::addRow("whole") << 64.0 << 0.0 << u"64"_s;
    }
    void numberWithError()
    {
        QFETCH(double, value);
        QFETCH(double, error);
        QFETCH(QString, expected);
        QCOMPARE(format::valueWithError(value, error), expected);
    }

    void duration_data()
    {
        QTest::addColumn<double>("seconds");
        QTest::addColumn<QString>("expected");
        QTest::addRow("part of a second") << 0.423 << u"0.42 s"_s;
        QTest::addRow("seconds") << 4.21 << u"4.2 s"_s;
        QTest::addRow("below a minute") << 59.4 << u"59 s"_s;
        QTest::addRow("rounds up to a minute") << 59.6 << u"1 min 00 s"_s;
        QTest::addRow("minutes") << 185.0 << u"3 min 05 s"_s;
        QTest::addRow("hours") << 8040.0 << u"2 h 14 min"_s;
        QTest::addRow("days") << 200000.0 << u"2 d 7 h"_s;
        QTest::addRow("unknown") << -1.0 << u"–"_s;
    }
    void duration()
    {
        QFETCH(double, seconds);
        QFETCH(QString, expected);
        QCOMPARE(format::duration(seconds), expected);
    }

    void columnsLineUp()
    {
        const std::vector<double> sizes {493312, 2623744, 820992};
        const format::ColumnStyle style = format::columnStyle(sizes, u"B"_s);
        QCOMPARE(style.unit, u"MB"_s);
        QCOMPARE(format::inColumn(493312, style), u"0.4933"_s);
        QCOMPARE(format::inColumn(2623744, style), u"2.624\u2007"_s);
        const std::vector<double> perplexities {26.96, 542234.4, 0};
        const format::ColumnStyle quality = format::columnStyle(perplexities, {});
        QCOMPARE(format::inColumn(26.96, quality), u"26.96"_s);
        QCOMPARE(format::inColumn(542234.4, quality), u"542,234\u2008\u2007\u2007"_s); // no false precision
        QCOMPARE(format::inColumn(0, quality), u"0.00"_s);
        const std::vector<double> counts {1, 12, 3};
        QCOMPARE(format::inColumn(12, format::columnStyle(counts, {})), u"12"_s);
        QCOMPARE(format::columnStyle({}, u"B"_s).unit, u"B"_s);
        const std::vector<double> spread {2e-12, 3};
        QCOMPARE(format::inColumn(2e-12, format::columnStyle(spread, {})), u"2.000E-12"_s);
    }

    void ticksHaveTheDecimalsOfTheirStep()
    {
        const format::ColumnStyle megabytes {1e6, 3, u"MB"_s};
        QCOMPARE(format::tick(1.5e6, 5e5, megabytes), u"1.5"_s);
        QCOMPARE(format::tick(2e6, 1e6, megabytes), u"2"_s);
        QCOMPARE(format::tick(1.25e6, 2.5e5, megabytes), u"1.25"_s);
        QCOMPARE(format::tick(0.003, 0.001, {}), u"0.003"_s);
        QCOMPARE(format::tick(1e-12, 0.5, {}), u"0"_s);
    }

    void separatorsOfCellsAreEscaped()
    {
        const QList<QStringList> rows {{u"Pipeline"_s, u"x"_s}, {u"a,\"b\"|c\td_e"_s, u"1 ± 2"_s}};
        QCOMPARE(asCsv(rows), u"Pipeline,x\n\"a,\"\"b\"\"|c\td_e\",1 ± 2\n"_s);
        QCOMPARE(asTsv(rows), u"Pipeline\tx\na,\"b\"|c d_e\t1 ± 2\n"_s);
        QCOMPARE(asMarkdown(rows), u"| Pipeline | x |\n| --- | --- |\n| a,\"b\"\\|c\td_e | 1 ± 2 |\n"_s);
        QVERIFY(asLatex(rows).contains(u"d\\_e & 1 $\\pm$ 2 \\\\"_s));
    }
};

QTEST_MAIN(TstFormat)
#include "tst_format.moc"
