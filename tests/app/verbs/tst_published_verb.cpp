// SPDX-License-Identifier: Apache-2.0
// The verb published, through the built program.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

using namespace Qt::Literals::StringLiterals;

class TstPublishedVerb : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void unverifiedRowsAreLeftOutUnlessAskedFor_data()
    {
        QTest::addColumn<bool>("isAsked");
        QTest::addColumn<int>("points");
        QTest::addRow("left out") << false << 690 - 81;
        QTest::addRow("asked for") << true << 690;
    }
    void unverifiedRowsAreLeftOutUnlessAskedFor()
    {
        QFETCH(bool, isAsked);
        QFETCH(int, points);
        QStringList arguments {u"published"_s, project(), u"--import"_s, u"quantization"_s, u"--json"_s};
        if (isAsked)
            arguments << u"--unverified"_s;
        const QJsonObject imported = callProgram(arguments).json()[u"imported"_s][0].toObject();
        QCOMPARE(imported[u"added"_s].toInt(), points);
        QCOMPARE(imported[u"unverified_left_out"_s].toInt(), 690 - points);

        const QJsonArray listed = callProgram({u"published"_s, project(), u"--json"_s}).json()[u"points"_s].toArray();
        QCOMPARE(listed.size(), points);
        const ProgramCall doubted = callProgram({u"published"_s, project(), u"--where"_s, u"not verified"_s});
        QVERIFY2(doubted.status == 0, qPrintable(doubted.described()));
        QCOMPARE(doubted.outText().count(u"UNVERIFIED\n"_s), isAsked ? 81 : 0);
    }

    void importingAgainChangesNothing()
    {
        for (const int added : {690 - 81, 0}) {
            const ProgramCall call =
                callProgram({u"published"_s, project(), u"--import"_s, u"quantization"_s, u"--json"_s});
            QVERIFY2(call.status == 0, qPrintable(call.described()));
            QCOMPARE(call.json()[u"imported"_s][0][u"added"_s].toInt(), added);
        }
    }

    void whatWasMeasuredOtherwiseStandsApart()
    {
        write("method,model,metric,value,source,bits\n"
              "GPTQ,Llama,ppl@2048,5.25,paper A,4\n"
              "RTN,Llama,ppl@4096,6.5,paper B,4\n"
              "AWQ,Llama,ppl@2048,5.125,paper C,3\n");
        QCOMPARE(callProgram({u"published"_s, project(), u"--import"_s, table()}).status, 0);
        const ProgramCall call = callProgram({u"published"_s, project()});
        const QStringList tables = call.outText().split(u"\n\n"_s);
        QCOMPARE(tables.size(), 2);
        QVERIFY2(tables[0].startsWith(u"ppl@2048\n"_s) && tables[0].contains(u"5.25"_s) &&
                     tables[0].contains(u"5.125"_s) && !tables[0].contains(u"6.5"_s),
                 qPrintable(call.described()));
        QVERIFY2(tables[1].startsWith(u"ppl@4096\n"_s) && tables[1].contains(u"6.5"_s), qPrintable(call.described()));
    }

    void listIsFilteredAndExact()
    {
        write("method,model,metric,value,source,bits\n"
              "GPTQ,Llama,ppl@2048,0.1,\"paper A, table 1\",4\n"
              "AWQ,Llama,ppl@2048,5.125,paper C,3\n");
        QCOMPARE(callProgram({u"published"_s, project(), u"--import"_s, table()}).status, 0);
        const ProgramCall call = callProgram(
            {u"published"_s, project(), u"--where"_s, u"bits > 3 and source ~ PAPER"_s, u"--format"_s, u"csv"_s});
        QCOMPARE(call.outText(),
                 u"method,model,data_set,bits,metric,value,unit,x_metric,x_value,source,url,confidence\n"
                 "GPTQ,Llama,,4,ppl@2048,0.1,,,,\"paper A, table 1\",,\n"_s);
    }

    void whatStandsBesideATrialIsSaid_data()
    {
        QTest::addColumn<QString>("value"); ///< metric, value, unit
        QTest::addColumn<QJsonValue>("beside");
        const auto row = [](const char* tag, const char* value, const QJsonValue& beside) {
            QTest::addRow("%s", tag) << QString::fromLatin1(value) << beside;
        };
        const auto beside = [](const QString& metric, double value, const QString& unit) {
            return QJsonValue(QJsonObject {{u"metric"_s, metric}, {u"value"_s, value}, {u"unit"_s, unit}});
        };
        row("perplexity", "wikitext2_ppl@2048,5.25,", beside(u"perplexity"_s, 5.25, {}));
        row("size", "model_size_GB,3.5,", beside(u"stored_bytes"_s, 3.5e9, u"B"_s));
        row("size of a unit of its own", "stored_bytes,2,KiB", beside(u"stored_bytes"_s, 2048, u"B"_s));
        row("accuracy", "mmlu,50,", beside(u"acc"_s, 0.5, {}));
        row("of another kind", "speedup_x,2,", QJsonValue(QJsonValue::Null));
    }
    void whatStandsBesideATrialIsSaid()
    {
        QFETCH(QString, value);
        QFETCH(QJsonValue, beside);
        write("method,source,metric,value,unit\nGPTQ,paper," + value.toUtf8() + "\n");
        QCOMPARE(callProgram({u"published"_s, project(), u"--import"_s, table()}).status, 0);
        const ProgramCall all = callProgram({u"published"_s, project(), u"--json"_s});
        QCOMPARE(all.json()[u"points"_s][0][u"beside"_s], beside);
        if (beside.isNull())
            return;
        const QString filter = u"beside = "_s + beside[u"metric"_s].toString();
        const ProgramCall chosen = callProgram({u"published"_s, project(), u"--where"_s, filter, u"--json"_s});
        QCOMPARE(chosen.json()[u"points"_s].toArray().size(), 1);
    }

    void errors_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const QStringList& options, int status, const char* says) {
            QTest::addRow("%s", name) << options << status << QString::fromLatin1(says);
        };
        row("no such table", {u"--import"_s, u"quantisation"_s}, 4, "kv_codecs");
        row("no such file", {u"--import"_s, u"/nowhere/table.csv"_s}, 4, "/nowhere/table.csv");
        row("nothing to import", {u"--unverified"_s}, 2, "--import");
        row("filter of an import", {u"--import"_s, u"quantization"_s, u"--where"_s, u"bits = 4"_s}, 2, "--where");
        row("no project", {}, 4, "made.pscope");
    }
    void errors()
    {
        QFETCH(QStringList, options);
        QFETCH(int, status);
        QFETCH(QString, says);
        const ProgramCall call = callProgram(QStringList {u"published"_s, project()} + options);
        QVERIFY2(call.status == status, qPrintable(call.described()));
        QVERIFY2(call.errText().contains(says), qPrintable(call.described()));
        QVERIFY(!QFile::exists(project()));
    }

private:
    QString project() const { return m_folder->filePath(u"made.pscope"_s); }
    QString table() const { return m_folder->filePath(u"table.csv"_s); }
    void write(const QByteArray& text) const
    {
        QFile file(table());
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(text);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstPublishedVerb)
#include "tst_published_verb.moc"
