// SPDX-License-Identifier: Apache-2.0
// export-table, import-table, merge and --format on a made-up project, through the built program.
#include "tests/app/program_call.h"
#include "tests/app/sample_project.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace Qt::Literals::StringLiterals;

class TstTableVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        const core::Status written = writeSampleProject(project());
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
    }

    void tablesInEveryFormat_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("line"); // one that has to be there
        const auto row = [](const char* name, const QStringList& arguments, const QString& line) {
            QTest::addRow("%s", name) << arguments << line;
        };
        const QString bits4 = u"bits = 4 and plugin = gptq"_s;
        row("list as csv",
            {u"list"_s, project(), u"--columns"_s, u"pipeline,bits,stored_bytes"_s, u"--format"_s, u"csv"_s},
            u"gptq(bits=4),4,1100000"_s);
        row("unit in the header",
            {u"list"_s, project(), u"--columns"_s, u"pipeline,bits,stored_bytes"_s, u"--format"_s, u"csv"_s},
            u"pipeline,bits,stored_bytes [B]"_s);
        row("list as markdown",
            {u"list"_s, project(), u"--columns"_s, u"pipeline,perplexity"_s, u"--format"_s, u"markdown"_s},
            u"| gptq(bits=4) | 21.00 ± 0.30 |"_s);
        row("list as latex",
            {u"list"_s, project(), u"--columns"_s, u"pipeline,perplexity"_s, u"--format"_s, u"latex"_s},
            u"gptq(bits=4) & 21.00 $\\pm$ 0.30 \\\\"_s);
        row("front as csv", {u"front"_s, project(), u"--where"_s, bits4, u"--format"_s, u"csv"_s},
            QString::fromStdString(core::sha256("gptq(bits=4)").hex()) + u",gptq(bits=4),1100000,21"_s);
        row("fronts of groups as csv", {u"front"_s, project(), u"--group-by"_s, u"plugin"_s, u"--format"_s, u"csv"_s},
            u"quantization/gptq,"_s + QString::fromStdString(core::sha256("gptq(bits=4)").hex()) +
                u",gptq(bits=4),1100000,21"_s);
        row("trial as csv", {u"show"_s, project(), u"gptq(bits=4)"_s, u"--format"_s, u"csv"_s},
            u"id,workload,pipeline,seed,metric,value,standard_error,n,unit,direction,protocol,device,dtype,threads,"
            u"build,"
            u"pipeline_json"_s);
        row("trial as markdown", {u"show"_s, project(), u"rtn(bits=4)"_s, u"--format"_s, u"markdown"_s},
            u"| stored_bytes | 1,100,000 B | - | - |  |"_s);
        row("layers", {u"export-table"_s, project(), u"--table"_s, u"layers"_s},
            QString::fromStdString(core::sha256("gptq(bits=4)").hex()) +
                u",gptq(bits=4),model.layers.1.mlp.down_proj,1,relative_output_error,0.05"_s);
        row("against the baseline",
            {u"export-table"_s, project(), u"--columns"_s, u"pipeline"_s, u"--where"_s,
             u"perplexity <= 1.05 * baseline.perplexity and bits"_s},
            u"gptq(bits=4)"_s);
    }
    void tablesInEveryFormat()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, line);
        const ProgramCall call = callProgram(arguments);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY2(call.outText().split('\n'_L1).contains(line), qPrintable(call.described()));
    }

    void whatIsExportedIsImported_data()
    {
        QTest::addColumn<QString>("table");
        QTest::addColumn<QString>("format");
        for (const char* table : {"trials", "metrics"}) {
            for (const char* format : {"csv", "json"})
                QTest::addRow("%s %s", table, format) << QString::fromLatin1(table) << QString::fromLatin1(format);
        }
    }
    void whatIsExportedIsImported()
    {
        QFETCH(QString, table);
        QFETCH(QString, format);
        const QString file = m_folder.filePath(table + '.'_L1 + format);
        const QString copy = m_folder.filePath(table + format + u".pscope"_s);
        const ProgramCall exported =
            callProgram({u"export-table"_s, project(), u"--table"_s, table, u"--format"_s, format, u"--out"_s, file});
        QVERIFY2(exported.status == 0 && exported.out.isEmpty(), qPrintable(exported.described()));
        for (int time = 0; time < 2; ++time) { // the second changes nothing
            const ProgramCall imported = callProgram({u"import-table"_s, file, u"--into"_s, copy});
            QVERIFY2(imported.status == 0, qPrintable(imported.described()));
        }
        const QStringList columns {u"--columns"_s, u"id,pipeline,perplexity,perplexity.protocol,stored_bytes,bits"_s,
                                   u"--format"_s,  u"csv"_s,
                                   u"--where"_s,   u"status = done"_s};
        const ProgramCall before = callProgram(QStringList {u"list"_s, project()} + columns);
        const ProgramCall after = callProgram(QStringList {u"list"_s, copy} + columns);
        QVERIFY2(before.status == 0 && after.status == 0, qPrintable(after.described()));
        QCOMPARE(after.outText(), before.outText());
    }

    void importSaysWhatItTookForWhat()
    {
        QFile file(m_folder.filePath(u"study.csv"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("number,value,params_lr,state\n0,0.5,0.1,COMPLETE\n1,0.4,0.2,COMPLETE\n");
        file.close();
        const QString into = m_folder.filePath(u"study.pscope"_s);
        const ProgramCall refused = callProgram({u"import-table"_s, file.fileName(), u"--into"_s, into});
        QCOMPARE(refused.status, 4);
        QVERIFY2(refused.errText().contains(u"--metric"_s), qPrintable(refused.described()));
        QVERIFY(!QFile::exists(into));
        const ProgramCall call =
            callProgram({u"import-table"_s, file.fileName(), u"--into"_s, into, u"--metrics"_s, u"value"_s});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY2(call.outText().contains(u"2 trials"_s), qPrintable(call.described()));
        QVERIFY2(call.errText().contains(u"parameters: lr"_s), qPrintable(call.described()));
    }

    void mergesProjects()
    {
        const QString into = m_folder.filePath(u"both.pscope"_s);
        const ProgramCall dry = callProgram({u"merge"_s, project(), u"--into"_s, into, u"--dry-run"_s});
        QVERIFY2(dry.status == 0 && dry.outText().contains(u"would add 6 trials"_s), qPrintable(dry.described()));
        QVERIFY(!QFile::exists(into));
        const ProgramCall first = callProgram({u"merge"_s, project(), u"--into"_s, into});
        QVERIFY2(first.status == 0 && first.outText().contains(u"added 6 trials"_s), qPrintable(first.described()));
        const ProgramCall again = callProgram({u"merge"_s, project(), u"--into"_s, into});
        QVERIFY2(again.status == 0 && again.outText().contains(u"nothing to add"_s), qPrintable(again.described()));
        const QJsonObject json = callProgram({u"merge"_s, project(), u"--into"_s, into, u"--json"_s}).json();
        QCOMPARE(json["schema"_L1].toString(), u"paretoscope.merge/1"_s);
        QCOMPARE(json["trials"_L1].toInt(), 6);
        QCOMPARE(json["changed"_L1].toBool(), false);
    }

    void conflictIsShownWithBothRuns()
    {
        core::TrialRecord other = sampleTrials()[3];
        other.startedUtc = "2026-01-31T10:00:00.000Z";
        other.finishedUtc = "2026-01-31T10:00:02.500Z";
        other.provenance["host"] = "elsewhere";
        other.metrics.front().value = 21.5;
        const QString second = m_folder.filePath(u"second.pscope"_s);
        {
            auto store = core::ProjectStore::open(second.toStdString(), core::OpenMode::Create);
            QVERIFY(store.ok());
            QVERIFY(store.value().finishTrial(other).ok());
        }
        const QString into = m_folder.filePath(u"conflict.pscope"_s);
        const ProgramCall merged = callProgram({u"merge"_s, project(), second, u"--into"_s, into});
        QVERIFY2(merged.status == 0, qPrintable(merged.described()));
        for (const ProgramCall& call : {merged, callProgram({u"show"_s, into, u"gptq(bits=4)"_s})}) {
            QVERIFY2(call.status == 0 && call.outText().contains(u"conflict: perplexity of gptq(bits=4)"_s) &&
                         call.outText().contains(u"21.0  from 2025-01-31"_s) &&
                         call.outText().contains(u"21.5  from 2026-01-31T10:00:00.000Z, elsewhere"_s),
                     qPrintable(call.described()));
        }
    }

    void errors_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("part");
        const auto row = [](const char* name, const QStringList& arguments, int status, const char* part) {
            QTest::addRow("%s", name) << arguments << status << QString::fromLatin1(part);
        };
        row("unknown column", {u"export-table"_s, project(), u"--columns"_s, u"perplexty"_s}, 2, "perplexity");
        row("unknown name in a filter", {u"export-table"_s, project(), u"--where"_s, u"bitz < 3"_s}, 2, "column 1");
        row("columns of another table",
            {u"export-table"_s, project(), u"--table"_s, u"layers"_s, u"--columns"_s, u"id"_s}, 2, "--table trials");
        row("layers for a paper", {u"export-table"_s, project(), u"--table"_s, u"layers"_s, u"--format"_s, u"latex"_s},
            2, "--format csv");
        row("no place to write", {u"export-table"_s, project(), u"--out"_s, u"/nowhere/table.csv"_s}, 4, "/nowhere");
        row("no table", {u"import-table"_s, u"/nowhere/table.csv"_s, u"--into"_s, u"x.pscope"_s}, 4, "/nowhere");
        row("import into nothing", {u"import-table"_s, u"table.csv"_s}, 2, "--into");
        row("merge of nothing", {u"merge"_s, u"--into"_s, u"x.pscope"_s}, 2, "SOURCE");
        row("merge of what is not there", {u"merge"_s, u"/nowhere/a.pscope"_s, u"--into"_s, u"x.pscope"_s}, 4,
            "/nowhere/a.pscope");
    }
    void errors()
    {
        QFETCH(QStringList, arguments);
        QFETCH(int, status);
        QFETCH(QString, part);
        const ProgramCall call = callProgram(arguments);
        QVERIFY2(call.status == status, qPrintable(call.described()));
        QVERIFY2(call.errText().contains(part), qPrintable(call.described()));
    }

private:
    QString project() const { return m_folder.filePath(u"sample.pscope"_s); }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstTableVerbs)
#include "tst_table_verbs.moc"
