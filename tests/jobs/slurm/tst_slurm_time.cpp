// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/slurm_time.h"

#include <QtTest>

using namespace paretoscope::jobs;

class TstSlurmTime : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsWhatSbatchTakes_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<qint64>("seconds"); // 0: refused
        QTest::addColumn<QString>("written");
        const auto row = [](const char* text, qint64 seconds, const char* written = "") {
            QTest::addRow("%s", text) << QString::fromLatin1(text) << seconds << QString::fromLatin1(written);
        };
        row("90", 5400, "1:30:00");
        row("2:30", 150, "0:02:30");
        row("4:00:00", 14400, "4:00:00");
        row("1-0", 86400, "1-00:00:00");
        row("1-6", 108000, "1-06:00:00");
        row("1-06:30", 109800, "1-06:30:00");
        row("2-01:02:03", 176523, "2-01:02:03");
        row("26:00:00", 93600, "1-02:00:00");
        for (const char* text : {"", "0", "4h", "-1", "1:", ":1", "1:2:3:4", "1-", "1-1:2:3:4", "1-2-3", "1.5", " 1",
                                 "99999999999999999999", "400-0"})
            row(text, 0);
    }
    void readsWhatSbatchTakes()
    {
        QFETCH(QString, text);
        QFETCH(qint64, seconds);
        QFETCH(QString, written);
        const auto read = readSlurmTime(text.toStdString());
        QCOMPARE(read.ok(), seconds > 0);
        if (!read.ok()) {
            QVERIFY(read.error().message.find('"' + text.toStdString() + '"') != std::string::npos);
            QVERIFY(!read.error().hint.empty());
            return;
        }
        QCOMPARE(qint64(read.value()), seconds);
        QCOMPARE(QString::fromStdString(slurmTime(read.value())), written);
        QCOMPARE(readSlurmTime(slurmTime(read.value())).value(), read.value());
    }
};

QTEST_APPLESS_MAIN(TstSlurmTime)
#include "tst_slurm_time.moc"
