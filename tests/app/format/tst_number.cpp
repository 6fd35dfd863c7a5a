// SPDX-License-Identifier: Apache-2.0
#include "app/format/number.h"

#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope;
using namespace paretoscope::app;

class TstNumber : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void significantDigits_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("expected");
        const auto row = [](double value, const char* expected) {
            QTest::addRow("%s", expected) << value << QString::fromLatin1(expected);
        };
        row(0, "0");
        row(23.4567, "23.46");
        row(-23.4567, "-23.46");
        row(0.0123449, "0.01234");
        row(1, "1.000");
        row(9.9999, "10.000");
        row(12345.6, "12346");
        row(0.00012345, "1.234e-04");
        row(1.2345e9, "1.234e+09");
        row(std::numeric_limits<double>::infinity(), "inf");
        row(std::nan(""), "nan");
    }
    void significantDigits()
    {
        QFETCH(double, value);
        QFETCH(QString, expected);
        QCOMPARE(QString::fromStdString(significant(value)), expected);
    }

    void valueCarriesItsError_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<double>("error");
        QTest::addColumn<QString>("expected");
        QTest::addRow("four digits of the value") << 70.2113 << 4.74 << QStringLiteral("70.21 ± 4.7");
        QTest::addRow("two digits of the error") << 23.4567 << 0.3149 << QStringLiteral("23.46 ± 0.31");
        QTest::addRow("large error") << 1234.5 << 123.4 << QStringLiteral("1234 ± 123");
        QTest::addRow("small error") << 5.4721 << 0.00123 << QStringLiteral("5.4721 ± 0.0012");
        QTest::addRow("no error") << 5.4721 << 0.0 << QStringLiteral("5.472");
        QTest::addRow("error not finite") << 5.4721 << std::nan("") << QStringLiteral("5.472");
    }
    void valueCarriesItsError()
    {
        QFETCH(double, value);
        QFETCH(double, error);
        QFETCH(QString, expected);
        QCOMPARE(QString::fromStdString(withError(value, error)), expected);
    }

    void nothingIsADash()
    {
        QCOMPARE(significant(std::nullopt), std::string("-"));
        QCOMPARE(withError(std::nullopt, 1.0), std::string("-"));
    }

    void bytesKeepTheirFamily_data()
    {
        QTest::addColumn<qint64>("bytes");
        QTest::addColumn<QString>("decimal");
        QTest::addColumn<QString>("binary");
        const auto row = [](qint64 bytes, const char* decimal, const char* binary) {
            QTest::addRow("%lld", bytes) << bytes << QString::fromLatin1(decimal) << QString::fromLatin1(binary);
        };
        row(0, "0 B", "0 B");
        row(999, "999 B", "999 B");
        row(1000, "1.000 kB", "1000 B");
        row(1536, "1.536 kB", "1.500 KiB");
        row(9999900, "10.00 MB", "9.537 MiB");
        row(269030016, "269.0 MB", "256.6 MiB");
        row(42500000000, "42.50 GB", "39.58 GiB");
    }
    void bytesKeepTheirFamily()
    {
        QFETCH(qint64, bytes);
        QFETCH(QString, decimal);
        QFETCH(QString, binary);
        QCOMPARE(QString::fromStdString(decimalBytes(bytes)), decimal);
        QCOMPARE(QString::fromStdString(binaryBytes(bytes)), binary);
    }

    void durations_data()
    {
        QTest::addColumn<double>("seconds");
        QTest::addColumn<QString>("expected");
        const auto row = [](double seconds, const char* expected) {
            QTest::addRow("%s", expected) << seconds << QString::fromLatin1(expected);
        };
        row(0.843, "0.84 s");
        row(3.04, "3.0 s");
        row(12.4, "12 s");
        row(59.6, "1 min 00 s");
        row(185, "3 min 05 s");
        row(7620, "2 h 07 min");
        row(273600, "3 d 04 h");
        row(-1, "-");
    }
    void durations()
    {
        QFETCH(double, seconds);
        QFETCH(QString, expected);
        QCOMPARE(QString::fromStdString(duration(seconds)), expected);
    }

    void timeSpansAreRead_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<double>("expected"); // < 0: refused
        const auto row = [](const char* text, double expected) {
            QTest::addRow("%s", *text ? text : "empty") << QString::fromLatin1(text) << expected;
        };
        row("90", 90);
        row("90s", 90);
        row("1.5h", 5400);
        row("3h50m", 13800);
        row("2d", 172800);
        row("10min", 600);
        row("1:30", 90);
        row("1:30:00", 5400);
        row("", -1);
        row("0", -1);
        row("-5", -1);
        row("soon", -1);
        row("3h50", -1);
        row("1:2:3:4", -1);
        row("1:", -1);
        row("inf", -1);
    }
    void timeSpansAreRead()
    {
        QFETCH(QString, text);
        QFETCH(double, expected);
        const auto seconds = readDuration(text.toStdString());
        QCOMPARE(seconds.ok(), expected >= 0);
        if (seconds.ok())
            QCOMPARE(seconds.value(), expected);
        else
            QVERIFY(QString::fromStdString(seconds.error().sentence()).contains(QLatin1String("3h50m")));
    }

    void sizesAreRead_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<qint64>("expected"); // < 0: refused
        const auto row = [](const char* text, qint64 expected) {
            QTest::addRow("%s", *text ? text : "empty") << QString::fromLatin1(text) << expected;
        };
        row("4GiB", qint64(4) << 30);
        row("4 GiB", qint64(4) << 30);
        row("500MB", 500000000);
        row("4G", qint64(4) << 30);
        row("1.5KiB", 1536);
        row("4000000000", 4000000000);
        row("", -1);
        row("0", -1);
        row("4 gigs", -1);
        row("GiB", -1);
        row("-1GiB", -1);
        row("1e30TiB", -1);
    }
    void sizesAreRead()
    {
        QFETCH(QString, text);
        QFETCH(qint64, expected);
        const auto bytes = readBytes(text.toStdString());
        QCOMPARE(bytes.ok(), expected >= 0);
        if (bytes.ok())
            QCOMPARE(qint64(bytes.value().value), expected);
    }

    void countsAreSpelt()
    {
        QCOMPARE(counted(1, "trial"), std::string("1 trial"));
        QCOMPARE(counted(1200, "trial"), std::string("1,200 trials"));
        QCOMPARE(counted(2, "entry", "entries"), std::string("2 entries"));
        QCOMPARE(grouped(-1234567), std::string("-1,234,567"));
        QCOMPARE(grouped(-123), std::string("-123"));
    }
};

QTEST_GUILESS_MAIN(TstNumber)
#include "tst_number.moc"
