// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/submission.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::jobs;

class TstSubmission : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void shardsBecomeArrays_data()
    {
        QTest::addColumn<QList<int>>("shards");
        QTest::addColumn<QStringList>("expected"); // "first: indices"
        QTest::addRow("none") << QList<int> {} << QStringList {};
        QTest::addRow("one array") << QList<int> {0, 1, 2} << QStringList {QStringLiteral("0: 0-2%2")};
        QTest::addRow("gaps") << QList<int> {0, 2, 3, 4} << QStringList {QStringLiteral("0: 0,2-4%2")};
        QTest::addRow("split") << QList<int> {0, 4, 5, 6, 11}
                               << QStringList {QStringLiteral("0: 0,4%2"), QStringLiteral("5: 0-1%2"),
                                               QStringLiteral("10: 1%2")};
        QTest::addRow("only later ones") << QList<int> {7} << QStringList {QStringLiteral("5: 2%2")};
    }
    void shardsBecomeArrays()
    {
        QFETCH(QList<int>, shards);
        QFETCH(QStringList, expected);
        QStringList parts;
        for (const ArrayPart& part : arrayParts({shards.begin(), shards.end()}, 5))
            parts << QStringLiteral("%1: %2").arg(part.first).arg(QString::fromStdString(arrayText(part.indices, 2)));
        QCOMPARE(parts, expected);
    }

    void noLimitIsNotWritten() { QCOMPARE(arrayText({0, 1}, 0), std::string("0-1")); }

    void recordIsReadBack()
    {
        const QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath(QStringLiteral("submission.json")).toStdString();
        QVERIFY(Submission::read(file).ok() && !Submission::read(file).value());
        const Submission submission {"sweep-0123", "abc", true, {12, 13}};
        QVERIFY(submission.write(file).ok());
        const auto read = Submission::read(file);
        QVERIFY(read.ok() && read.value());
        QCOMPARE(read.value()->name, submission.name);
        QCOMPARE(read.value()->plan, submission.plan);
        QCOMPARE(read.value()->isComplete, true);
        QVERIFY(read.value()->arrays == submission.arrays);
    }

    void damagedRecordSaysWhatToDo_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addRow("no JSON") << QByteArray("{");
        QTest::addRow("another document") << QByteArray(R"({"schema": "paretoscope.run/1"})");
        QTest::addRow("no object") << QByteArray("[]");
        QTest::addRow("a field is missing") << QByteArray(R"({"schema": "paretoscope.submission/1", "name": "x"})");
        QTest::addRow("another type") << QByteArray(R"({"schema": "paretoscope.submission/1", "name": "x",
            "plan": "y", "complete": 1, "arrays": "12"})");
    }
    void damagedRecordSaysWhatToDo()
    {
        QFETCH(QByteArray, text);
        const QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("submission.json")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(text);
        file.close();
        const auto read = Submission::read(file.fileName().toStdString());
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
        QVERIFY(read.error().message.find("submission.json") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstSubmission)
#include "tst_submission.moc"
