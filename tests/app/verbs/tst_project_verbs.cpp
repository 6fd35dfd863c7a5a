// SPDX-License-Identifier: Apache-2.0
// status, list, show and front on a made-up project, through the built program.
#include "tests/app/program_call.h"
#include "tests/app/sample_project.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

class TstProjectVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        const core::Status written = writeSampleProject(project());
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
    }

    void listsEveryTrial()
    {
        const ProgramCall call = callProgram({QStringLiteral("list"), project()});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QStringList lines = call.outText().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 7);
        QVERIFY2(lines[0].contains(QLatin1String("perplexity")), qPrintable(lines[0]));
        QVERIFY2(lines[4].contains(QLatin1String("gptq(bits=4)")) &&
                     lines[4].contains(QStringLiteral("21.00 ± 0.30")) && lines[4].contains(QLatin1String("1.100 MB")),
                 qPrintable(lines[4]));
        QVERIFY2(lines[6].contains(QLatin1String("failed")), qPrintable(lines[6]));
        QCOMPARE(call.err, QByteArray());
    }

    void listsAsJson()
    {
        const ProgramCall call = callProgram({QStringLiteral("list"), project(), QStringLiteral("--json")});
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.list/1"));
        const QJsonArray trials = json[QLatin1String("trials")].toArray();
        QCOMPARE(trials.size(), 6);
        const QJsonObject trial = trials[3].toObject();
        QCOMPARE(trial[QLatin1String("id")].toString().size(), 64);
        QCOMPARE(trial[QLatin1String("workload")].toString(), QStringLiteral("tiny-llama"));
        QCOMPARE(trial[QLatin1String("pipeline")].toString(), QStringLiteral("gptq(bits=4)"));
        QCOMPARE(trial[QLatin1String("status")].toString(), QStringLiteral("done"));
        const QJsonObject stage = trial[QLatin1String("stages")].toArray()[0].toObject();
        QCOMPARE(stage[QLatin1String("plugin")].toString(), QStringLiteral("quantization/gptq"));
        QCOMPARE(stage[QLatin1String("parameters")].toObject()[QLatin1String("bits")].toInt(), 4);
        const QJsonObject perplexity =
            trial[QLatin1String("metrics")].toObject()[QLatin1String("perplexity")].toObject();
        QCOMPARE(perplexity[QLatin1String("value")].toDouble(), 21.0);
        QCOMPARE(perplexity[QLatin1String("standard_error")].toDouble(), 0.3);
        QVERIFY(perplexity[QLatin1String("protocol")].toString().startsWith(QLatin1String("perplexity.window/")));
        QVERIFY(perplexity.contains(QLatin1String("unit")));
        for (const char* key : {"seed", "tags"})
            QVERIFY2(trial.contains(QLatin1String(key)), key);
    }

    void filtersAndSorts_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("expected"); // labels
        const auto row = [](const char* tag, const QStringList& arguments, const char* expected) {
            QTest::addRow("%s", tag) << arguments << QString::fromLatin1(expected);
        };
        const QString where = QStringLiteral("--where");
        const QString sort = QStringLiteral("--sort");
        row("where", {where, QStringLiteral("bits <= 3 and plugin = gptq")}, "gptq(bits=3) gptq(bits=2)");
        row("sort", {sort, QStringLiteral("perplexity"), where, QStringLiteral("status = done")},
            "baseline gptq(bits=4) rtn(bits=4) gptq(bits=3) rtn(bits=3)");
        row("sort falling", {sort, QStringLiteral("-perplexity"), where, QStringLiteral("status = done")},
            "rtn(bits=3) gptq(bits=3) rtn(bits=4) gptq(bits=4) baseline");
        row("without a value last", {sort, QStringLiteral("-perplexity"), where, QStringLiteral("bits <= 3")},
            "rtn(bits=3) gptq(bits=3) gptq(bits=2)");
        row("nothing found", {where, QStringLiteral("bits > 100")}, "");
    }
    void filtersAndSorts()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, expected);
        const ProgramCall call =
            callProgram(QStringList {QStringLiteral("list"), project(), QStringLiteral("--json")} + arguments);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QStringList labels;
        for (const QJsonValue& trial : call.json()[QLatin1String("trials")].toArray())
            labels << trial.toObject()[QLatin1String("pipeline")].toString();
        QCOMPARE(labels.join(QLatin1Char(' ')), expected);
    }

    void showsTheColumnsAskedFor()
    {
        const ProgramCall call = callProgram({QStringLiteral("list"), project(), QStringLiteral("--columns"),
                                              QStringLiteral("bits,pipeline,plugin,perplexity@/512/")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QString line = call.outText().split(QLatin1Char('\n'))[4].simplified();
        QCOMPARE(line, QStringLiteral("4 gptq(bits=4) gptq 21.00 ± 0.30"));
    }

    void idsAlone()
    {
        const ProgramCall call = callProgram({QStringLiteral("list"), project(), QStringLiteral("--ids")});
        const QStringList lines = call.outText().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 6);
        QCOMPARE(lines[0], QString::fromStdString(core::sha256("baseline").hex()));
    }

    void showsOneTrial_data()
    {
        QTest::addColumn<QString>("trial");
        QTest::addRow("by label") << QStringLiteral("gptq(bits=3)");
        QTest::addRow("by the beginning of its id")
            << QString::fromStdString(core::sha256("gptq(bits=3)").hex().substr(0, 8));
    }
    void showsOneTrial()
    {
        QFETCH(QString, trial);
        const ProgramCall text = callProgram({QStringLiteral("show"), project(), trial});
        QVERIFY2(text.status == 0, qPrintable(text.described()));
        for (const char* part : {"gptq(bits=3)", "bits=3, group_size=64", "perplexity", "950,000 B", "cpu",
                                 "against baseline", "\u00d71.200", "model.layers.1.mlp.down_proj"})
            QVERIFY2(text.outText().contains(QString::fromUtf8(part)), qPrintable(text.described()));
        const QJsonObject json =
            callProgram({QStringLiteral("show"), project(), trial, QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.show/1"));
        QCOMPARE(json[QLatin1String("layer_metrics")].toArray().size(), 2);
        QVERIFY(json[QLatin1String("provenance")].toObject().contains(QLatin1String("command")));
        QCOMPARE(json[QLatin1String("baseline")].toString(), QString::fromStdString(core::sha256("baseline").hex()));
        const QJsonValue against = json[QLatin1String("against_baseline")][QLatin1String("perplexity")];
        QVERIFY(qAbs(against[QLatin1String("ratio")].toDouble() - 1.2) < 1e-9);
        QVERIFY(json[QLatin1String("metric_details")].toObject().contains(QLatin1String("perplexity")));
    }

    void comparesAnyTwoTrials_data()
    {
        QTest::addColumn<QString>("other");
        QTest::addColumn<QString>("column");
        QTest::addColumn<double>("ratio");
        QTest::addRow("another method") << "rtn(bits=4)"
                                        << "against rtn(bits=4)" << 24.0 / 22.0;
        QTest::addRow("the baseline") << "baseline"
                                      << "against baseline" << 24.0 / 20.0;
        QTest::addRow("itself") << "gptq(bits=3)"
                                << "against gptq(bits=3)" << 1.0;
    }
    void comparesAnyTwoTrials()
    {
        QFETCH(QString, other);
        QFETCH(QString, column);
        QFETCH(double, ratio);
        const QStringList arguments {QStringLiteral("show"), project(), QStringLiteral("gptq(bits=3)"),
                                     QStringLiteral("--against"), other};
        const ProgramCall text = callProgram(arguments);
        QVERIFY2(text.status == 0 && text.outText().contains(column), qPrintable(text.described()));
        const QJsonObject json = callProgram(arguments + QStringList {QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("other")].toString(),
                 QString::fromStdString(core::sha256(other.toStdString()).hex()));
        const QJsonValue against = json[QLatin1String("against_other")][QLatin1String("perplexity")];
        QVERIFY(qAbs(against[QLatin1String("ratio")].toDouble() - ratio) < 1e-9);
        // Both windows moved alike, so the difference has no error although each trial's perplexity has one.
        QVERIFY(qAbs(against[QLatin1String("standard_error")].toDouble(1)) < 1e-9);
        QVERIFY(json[QLatin1String("against_baseline")].toObject().contains(QLatin1String("perplexity")));
    }

    void comparesOnlyWhatWasMeasuredAlike_data()
    {
        QTest::addColumn<QString>("other");
        QTest::addColumn<QString>("message");
        QTest::addRow("no such trial") << "gptq(bits=7)"
                                       << "gptq(bits=7)";
        QTest::addRow("nothing measured") << "gptq(bits=2)"
                                          << "gptq(bits=3) and gptq(bits=2) have no metric";
    }
    void comparesOnlyWhatWasMeasuredAlike()
    {
        QFETCH(QString, other);
        QFETCH(QString, message);
        const ProgramCall call = callProgram(
            {QStringLiteral("show"), project(), QStringLiteral("gptq(bits=3)"), QStringLiteral("--against"), other});
        QCOMPARE(call.status, 4);
        QVERIFY2(call.errText().contains(message), qPrintable(call.described()));
    }

    void showsWhyATrialFailed()
    {
        const ProgramCall call = callProgram({QStringLiteral("show"), project(), QStringLiteral("gptq(bits=2)")});
        QVERIFY2(call.outText().contains(QLatin1String("Hessian not positive definite")) &&
                     call.outText().contains(QLatin1String("raise damping")),
                 qPrintable(call.described()));
    }

    void frontOfTwoMetrics()
    {
        const ProgramCall call = callProgram({QStringLiteral("front"), project(), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.front/1"));
        QCOMPARE(json[QLatin1String("x")].toString(), QStringLiteral("stored_bytes"));
        QCOMPARE(json[QLatin1String("y")].toString(), QStringLiteral("perplexity"));
        QStringList labels;
        for (const QJsonValue& point : json[QLatin1String("points")].toArray())
            labels << point.toObject()[QLatin1String("pipeline")].toString();
        QCOMPARE(labels.join(QLatin1Char(' ')), QStringLiteral("gptq(bits=3) gptq(bits=4) baseline"));
        QCOMPARE(json[QLatin1String("dominated")].toInt(), 2);
        // Reference point: the worst values of the front moved out by a tenth of its range: (2623744 + 167374.4, 24 +
        // 0.4).
        const QJsonArray reference = json[QLatin1String("reference_point")].toArray();
        QCOMPARE(reference[0].toDouble(), 2791118.4);
        QCOMPARE(reference[1].toDouble(), 24.4);
        const double area =
            (1100000 - 950000) * (24.4 - 24) + (2623744 - 1100000) * (24.4 - 21) + (2791118.4 - 2623744) * (24.4 - 20);
        QCOMPARE(json[QLatin1String("hypervolume")].toDouble(), area);
        QCOMPARE(json[QLatin1String("knee")].toString(), QString::fromStdString(core::sha256("gptq(bits=4)").hex()));
    }

    void frontAsATable()
    {
        const ProgramCall call = callProgram({QStringLiteral("front"), project(), QStringLiteral("--x"),
                                              QStringLiteral("bits_per_parameter"), QStringLiteral("--where"),
                                              QStringLiteral("plugin = gptq")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QStringList lines = call.outText().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 3);
        QVERIFY2(lines[1].contains(QLatin1String("gptq(bits=3)")), qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("2 trials on the front")), qPrintable(call.described()));
    }

    void frontPerGroup()
    {
        const QJsonObject json = callProgram({QStringLiteral("front"), project(), QStringLiteral("--group-by"),
                                              QStringLiteral("plugin"), QStringLiteral("--json")})
                                     .json();
        const QJsonArray groups = json[QLatin1String("groups")].toArray();
        QStringList names;
        for (const QJsonValue& group : groups)
            names << group.toObject()[QLatin1String("group")].toString();
        QCOMPARE(names.join(QLatin1Char(' ')), QStringLiteral("- gptq rtn"));
        QCOMPARE(groups[1].toObject()[QLatin1String("points")].toArray().size(), 2);
    }

    void statusTellsWhatHappened()
    {
        const ProgramCall text = callProgram({QStringLiteral("status"), project()});
        QVERIFY2(text.status == 0, qPrintable(text.described()));
        for (const char* part : {"6 (5 done, 1 failed)", "tiny-llama", "1,311,872 parameters", "sample",
                                 "gptq(bits=2): layer 1", "raise damping"})
            QVERIFY2(text.outText().contains(QString::fromLatin1(part)), qPrintable(text.described()));
        const QJsonObject json = callProgram({QStringLiteral("status"), project(), QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.status/1"));
        const QJsonObject trials = json[QLatin1String("trials")].toObject();
        QCOMPARE(trials[QLatin1String("total")].toInt(), 6);
        QCOMPARE(trials[QLatin1String("done")].toInt(), 5);
        QCOMPARE(trials[QLatin1String("failed")].toInt(), 1);
        QCOMPARE(trials[QLatin1String("running")].toInt(), 0);
        QCOMPARE(json[QLatin1String("failed")].toArray().size(), 1);
        QCOMPARE(json[QLatin1String("workloads")].toArray().size(), 1);
    }

    void readingWhileAnotherProcessHasItOpen()
    {
        const auto writer = core::ProjectStore::open(project().toStdString(), core::OpenMode::ReadWrite);
        QVERIFY(writer.ok());
        const ProgramCall call = callProgram({QStringLiteral("status"), project()});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
    }

    void readingChangesNoByte()
    {
        QFile file(project());
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray before = file.readAll();
        file.close();
        for (const char* verb : {"status", "list", "front"})
            QCOMPARE(callProgram({QString::fromLatin1(verb), project()}).status, 0);
        QVERIFY(file.open(QIODevice::ReadOnly));
        QVERIFY(file.readAll() == before);
    }

    void errors_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const QStringList& arguments, int status, const char* code,
                            const QStringList& parts) {
            QTest::addRow("%s", tag) << arguments << status << QString::fromLatin1(code) << parts;
        };
        const QString sample = project();
        const QString missing = m_folder.filePath(QStringLiteral("missing.pscope"));
        QFile text(m_folder.filePath(QStringLiteral("text.pscope")));
        QVERIFY(text.open(QIODevice::WriteOnly));
        text.write("this is no project, only text that is long enough to be looked at as if it were one............");
        text.close();
        for (const char* verb : {"status", "list", "front"}) {
            QTest::addRow("missing project: %s", verb)
                << QStringList {QString::fromLatin1(verb), missing} << 4 << QStringLiteral("NotFound")
                << QStringList {QStringLiteral("missing.pscope")};
            QTest::addRow("no project: %s", verb)
                << QStringList {QString::fromLatin1(verb), text.fileName()} << 4 << QStringLiteral("Corrupt")
                << QStringList {QStringLiteral("text.pscope")};
            QTest::addRow("no argument: %s", verb)
                << QStringList {QString::fromLatin1(verb)} << 2 << QStringLiteral("InvalidArgument")
                << QStringList {QStringLiteral("PROJECT is missing")};
        }
        row("unknown trial", {QStringLiteral("show"), sample, QStringLiteral("gptq(bits=9)")}, 4, "NotFound",
            {QStringLiteral("gptq(bits=9)")});
        row("too short an id", {QStringLiteral("show"), sample, QStringLiteral("ab")}, 4, "", {QStringLiteral("ab")});
        row("bad filter", {QStringLiteral("list"), sample, QStringLiteral("--where"), QStringLiteral("bits <")}, 2,
            "InvalidArgument", {QStringLiteral("column 7")});
        row("filter on a misspelt name",
            {QStringLiteral("list"), sample, QStringLiteral("--where"), QStringLiteral("bitz = 4")}, 2,
            "InvalidArgument", {QStringLiteral("did you mean \"bits\"")});
        row("misspelt column",
            {QStringLiteral("list"), sample, QStringLiteral("--columns"), QStringLiteral("id,perplexty")}, 2,
            "InvalidArgument", {QStringLiteral("did you mean \"perplexity\"")});
        row("misspelt sort column", {QStringLiteral("list"), sample, QStringLiteral("--sort"), QStringLiteral("-bitz")},
            2, "InvalidArgument", {QStringLiteral("did you mean \"bits\"")});
        row("misspelt metric", {QStringLiteral("front"), sample, QStringLiteral("--y"), QStringLiteral("perplexty")}, 2,
            "InvalidArgument", {QStringLiteral("did you mean \"perplexity\"")});
        row("misspelt group", {QStringLiteral("front"), sample, QStringLiteral("--group-by"), QStringLiteral("plugn")},
            2, "InvalidArgument", {QStringLiteral("did you mean \"plugin\"")});
        row("misspelt option", {QStringLiteral("list"), sample, QStringLiteral("--wher"), QStringLiteral("x")}, 2,
            "InvalidArgument", {QStringLiteral("did you mean \"--where\"")});
    }
    void errors()
    {
        QFETCH(QStringList, arguments);
        QFETCH(int, status);
        QFETCH(QString, code);
        QFETCH(QStringList, parts);
        const ProgramCall text = callProgram(arguments);
        QVERIFY2(text.status == status, qPrintable(text.described()));
        QCOMPARE(text.out, QByteArray());
        QCOMPARE(text.errText().count(QLatin1Char('\n')), 1); // one sentence
        for (const QString& part : parts)
            QVERIFY2(text.errText().contains(part), qPrintable(text.described()));
        const ProgramCall json = callProgram(arguments + QStringList {QStringLiteral("--json")});
        QCOMPARE(json.status, status);
        const QJsonObject document = json.json();
        QCOMPARE(document[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.error/1"));
        if (!code.isEmpty())
            QCOMPARE(document[QLatin1String("code")].toString(), code);
        QVERIFY(!document[QLatin1String("message")].toString().isEmpty());
        QVERIFY(document[QLatin1String("hint")].isString());
    }

    void protocolsDoNotShareAnAxis()
    {
        const QString file = m_folder.filePath(QStringLiteral("two.pscope"));
        QVERIFY(writeSampleProject(file).ok());
        {
            auto store = core::ProjectStore::open(file.toStdString(), core::OpenMode::ReadWrite);
            QVERIFY(store.ok());
            core::TrialRecord trial = sampleTrials()[1];
            trial.metrics = {trial.metrics[0]};
            trial.metrics[0].protocol = "perplexity.window/wiki.test.tokens#d790b833/2048/all";
            QVERIFY(store.value().finishTrial(trial).ok());
        }
        const ProgramCall both = callProgram({QStringLiteral("front"), file});
        QCOMPARE(both.status, 2);
        QVERIFY2(both.errText().contains(QLatin1String("2 protocols")), qPrintable(both.described()));
        const ProgramCall one =
            callProgram({QStringLiteral("front"), file, QStringLiteral("--y"), QStringLiteral("perplexity@/2048/")});
        QVERIFY2(one.status == 0, qPrintable(one.described()));
        QCOMPARE(one.outText().split(QLatin1Char('\n'), Qt::SkipEmptyParts).size(), 2);
    }

private:
    QString project() const { return m_folder.filePath(QStringLiteral("sample.pscope")); }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstProjectVerbs)
#include "tst_project_verbs.moc"
