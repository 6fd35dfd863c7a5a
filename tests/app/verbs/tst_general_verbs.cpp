// SPDX-License-Identifier: Apache-2.0
// What holds for every verb, and plugins, help, completion, through the built program.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

class TstGeneralVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void versionIsOneLine()
    {
        const ProgramCall call = callProgram({QStringLiteral("--version")});
        QCOMPARE(call.status, 0);
        QVERIFY(call.outText().startsWith(QLatin1String("paretoscope ")));
        QCOMPARE(call.out.count('\n'), 1);
        const QJsonObject json = callProgram({QStringLiteral("--version"), QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.version/1"));
    }

    void everyVerbExplainsItself()
    {
        const QJsonArray verbs =
            callProgram({QStringLiteral("help"), QStringLiteral("--json")}).json()[QLatin1String("verbs")].toArray();
        QVERIFY(verbs.size() >= 7);
        for (const QJsonValue& verb : verbs) {
            const QString name = verb.toObject()[QLatin1String("name")].toString();
            const ProgramCall help = callProgram({name, QStringLiteral("--help")});
            QVERIFY2(help.status == 0 && help.err.isEmpty(), qPrintable(help.described()));
            QVERIFY(help.outText().startsWith(QStringLiteral("Usage: paretoscope ") + name));
            QCOMPARE(callProgram({QStringLiteral("help"), name}).out, help.out);
            // Also among other words, and beside ones that are missing.
            QCOMPARE(callProgram({name, QStringLiteral("-q"), QStringLiteral("-h")}).status, 0);
        }
    }

    void everyVerbRefusesAnUnknownOption()
    {
        const QJsonArray verbs =
            callProgram({QStringLiteral("help"), QStringLiteral("--json")}).json()[QLatin1String("verbs")].toArray();
        for (const QJsonValue& verb : verbs) {
            const QString name = verb.toObject()[QLatin1String("name")].toString();
            const ProgramCall call = callProgram({name, QStringLiteral("--qiuet")});
            QVERIFY2(call.status == 2 && call.out.isEmpty(), qPrintable(call.described()));
            QVERIFY2(call.errText().contains(QLatin1String("did you mean \"--quiet\"")), qPrintable(call.described()));
        }
    }

    void misspeltVerbs_data()
    {
        QTest::addColumn<QString>("verb");
        QTest::addColumn<QString>("part");
        QTest::addRow("near") << QStringLiteral("lits") << QStringLiteral("did you mean \"list\"");
        QTest::addRow("nothing near") << QStringLiteral("frobnicate") << QStringLiteral("paretoscope help");
        for (const char* verb : {"experts", "markers"})
            QTest::addRow("planned: %s", verb)
                << QString::fromLatin1(verb) << QStringLiteral("no verb \"%1\" yet").arg(QLatin1String(verb));
    }
    void misspeltVerbs()
    {
        QFETCH(QString, verb);
        QFETCH(QString, part);
        const ProgramCall call = callProgram({verb});
        QVERIFY2(call.status == 2 && call.out.isEmpty(), qPrintable(call.described()));
        QCOMPARE(call.err.count('\n'), 1);
        QVERIFY2(call.errText().contains(part), qPrintable(call.described()));
        const ProgramCall json = callProgram({verb, QStringLiteral("--json")});
        QCOMPARE(json.status, 2);
        QCOMPARE(json.json()[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.error/1"));
    }

    void pluginsAreListedAndShown()
    {
        const QJsonObject list = callProgram({QStringLiteral("plugins"), QStringLiteral("--json")}).json();
        QCOMPARE(list[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.plugins/1"));
        QVERIFY(!list[QLatin1String("plugins")].toArray().isEmpty()); // the manifests are there without the engine, too
        const QString id = list[QLatin1String("plugins")].toArray()[0].toObject()[QLatin1String("id")].toString();
        const ProgramCall ids =
            callProgram({QStringLiteral("plugins"), QStringLiteral("list"), QStringLiteral("--ids")});
        QVERIFY(ids.outText().split(QLatin1Char('\n')).contains(id));
        const ProgramCall shown = callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id});
        QVERIFY2(shown.status == 0 && shown.outText().contains(id), qPrintable(shown.described()));
        const QJsonObject one =
            callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id, QStringLiteral("--json")}).json();
        QVERIFY(one[QLatin1String("parameters")].isArray());
        const ProgramCall near = callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id.chopped(1)});
        QVERIFY2(near.status == 4 && near.errText().contains(QLatin1String("did you mean")),
                 qPrintable(near.described()));
    }

    void colourNeedsATerminalOrAWish()
    {
        const QStringList list {QStringLiteral("plugins")};
        QVERIFY(!callProgram(list).out.contains('\x1b'));
        QVERIFY(callProgram(list + QStringList {QStringLiteral("--color=always")}).out.contains('\x1b'));
        ProgramSetting forced;
        forced.environment << QStringLiteral("CLICOLOR_FORCE=1");
        QVERIFY(callProgram(list, forced).out.contains('\x1b'));
        forced.environment << QStringLiteral("NO_COLOR=1");
        QVERIFY(!callProgram(list, forced).out.contains('\x1b'));
    }

    void settingsComeWithTheirOrigin()
    {
        QTemporaryDir folder;
        QVERIFY(QDir(folder.path()).mkdir(QStringLiteral("paretoscope")));
        QFile file(folder.filePath(QStringLiteral("paretoscope/batch.conf")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("color = never\nmodels = /models\nclor = always\n");
        file.close();
        ProgramSetting setting;
        setting.environment << QStringLiteral("XDG_CONFIG_HOME=") + folder.path()
                            << QStringLiteral("PARETOSCOPE_CACHE=/somewhere") << QStringLiteral("PARETOSCOPE_MODELS=");
        const ProgramCall call =
            callProgram({QStringLiteral("help"), QStringLiteral("--print-config"), QStringLiteral("--json")}, setting);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("did you mean \"color\"")), qPrintable(call.described()));
        QHash<QString, QString> origins;
        QHash<QString, QString> values;
        for (const QJsonValue& entry : call.json()[QLatin1String("settings")].toArray()) {
            const QJsonObject object = entry.toObject();
            origins[object[QLatin1String("name")].toString()] = object[QLatin1String("origin")].toString();
            values[object[QLatin1String("name")].toString()] = object[QLatin1String("value")].toString();
        }
        QCOMPARE(values[QStringLiteral("color")], QStringLiteral("never"));
        QCOMPARE(origins[QStringLiteral("color")], file.fileName());
        QCOMPARE(values[QStringLiteral("models")], QStringLiteral("/models"));
        QCOMPARE(values[QStringLiteral("cache")], QStringLiteral("/somewhere"));
        QCOMPARE(origins[QStringLiteral("cache")], QStringLiteral("PARETOSCOPE_CACHE"));
        QVERIFY(origins.contains(QStringLiteral("worker")));
    }

    void doctorLooksAtEverything()
    {
        const ProgramCall call = callProgram({QStringLiteral("doctor"), QStringLiteral("--json")});
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.doctor/1"));
        QCOMPARE(call.status, json[QLatin1String("ok")].toBool() ? 0 : 1);
        QStringList names;
        for (const QJsonValue& check : json[QLatin1String("checks")].toArray()) {
            names << check[QLatin1String("name")].toString();
            QVERIFY(QStringList({QStringLiteral("ok"), QStringLiteral("warning"), QStringLiteral("failed")})
                        .contains(check[QLatin1String("status")].toString()));
            QVERIFY(!check[QLatin1String("text")].toString().isEmpty());
        }
        QCOMPARE(names.join(QLatin1Char(' ')), QStringLiteral("program resources worker devices plugins cache models"));
        const ProgramCall text = callProgram({QStringLiteral("doctor")});
        QCOMPARE(text.status, call.status);
        QVERIFY2(text.outText().contains(QLatin1String("SQLite 3.")), qPrintable(text.described()));
    }

    void doctorFindsWhatIsWrong()
    {
        ProgramSetting setting;
        setting.environment << QStringLiteral("PARETOSCOPE_CACHE=" PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml/cache")
                            << QStringLiteral("PARETOSCOPE_MODELS=/nonexistent/models");
        const ProgramCall call = callProgram({QStringLiteral("doctor")}, setting);
        QVERIFY2(call.status == 1, qPrintable(call.described()));
        QVERIFY2(call.outText().contains(QLatin1String("tiny-llama.yaml/cache cannot be written")),
                 qPrintable(call.described()));
        QVERIFY2(call.outText().contains(QLatin1String("/nonexistent/models is no folder")),
                 qPrintable(call.described()));
    }

    void workerThatIsNotThereIsNamed()
    {
        ProgramSetting setting;
        setting.environment << QStringLiteral("PARETOSCOPE_WORKER=/nonexistent/worker");
        const ProgramCall call =
            callProgram({QStringLiteral("evaluate"), QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama"),
                         QStringLiteral("--perplexity"), QStringLiteral("corpus=x.txt")},
                        setting);
        QVERIFY2(call.status == 1 && call.out.isEmpty(), qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("PARETOSCOPE_WORKER")), qPrintable(call.described()));
    }

    void evaluateChecksItsOptionsFirst_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const QStringList& options, const QStringList& parts) {
            QTest::addRow("%s", tag) << options << parts;
        };
        const QString perplexity = QStringLiteral("--perplexity");
        row("nothing to do", {}, {QStringLiteral("--perplexity")});
        row("misspelt name", {perplexity, QStringLiteral("corpus=a,lenth=3")},
            {perplexity, QStringLiteral("lenth"), QStringLiteral("length")});
        row("wrong type", {perplexity, QStringLiteral("corpus=a,length=long")},
            {perplexity, QStringLiteral("length"), QStringLiteral("long")});
        row("out of range", {perplexity, QStringLiteral("corpus=a,length=1")}, {perplexity, QStringLiteral("length")});
        row("wrong choice", {perplexity, QStringLiteral("corpus=a,bos=nome")},
            {perplexity, QStringLiteral("nome"), QStringLiteral("none")});
        row("name twice", {perplexity, QStringLiteral("corpus=a,corpus=b")}, {QStringLiteral("corpus")});
        row("no corpus", {perplexity, QStringLiteral("length=512")}, {QStringLiteral("corpus")});
        row("no name=value", {perplexity, QStringLiteral("wiki.txt")}, {QStringLiteral("wiki.txt")});
        row("comparison without a baseline", {QStringLiteral("--kl-divergence"), QStringLiteral("corpus=a")},
            {QStringLiteral("--kl-divergence"), QStringLiteral("baseline=MODEL")});
        row("misspelt name of a task", {QStringLiteral("--task"), QStringLiteral("t.jsonl,limt=3")},
            {QStringLiteral("--task"), QStringLiteral("limt"), QStringLiteral("limit")});
        row("logits without a file", {QStringLiteral("--logits"), QStringLiteral("t.json")}, {QStringLiteral("--out")});
        row("router alone", {perplexity, QStringLiteral("corpus=a"), QStringLiteral("--router")},
            {QStringLiteral("--logits")});
        row("memory", {perplexity, QStringLiteral("corpus=a"), QStringLiteral("--memory-budget=much")},
            {QStringLiteral("--memory-budget"), QStringLiteral("4GiB")});
    }
    void evaluateChecksItsOptionsFirst()
    {
        QFETCH(QStringList, options);
        QFETCH(QStringList, parts);
        const ProgramCall call =
            callProgram(QStringList {QStringLiteral("evaluate"), QStringLiteral("/nonexistent/model")} + options);
        QVERIFY2(call.status == 2 && call.out.isEmpty(), qPrintable(call.described()));
        for (const QString& part : parts)
            QVERIFY2(call.errText().contains(part), qPrintable(call.described()));
    }

    void fullStdoutIsAnError()
    {
        if (!QFile::exists(QStringLiteral("/dev/full")))
            QSKIP("no /dev/full here");
        QProcess process;
        process.setProcessEnvironment(programEnvironment({}));
        process.setStandardOutputFile(QStringLiteral("/dev/full"));
        process.start(programPath(), {QStringLiteral("help")});
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.exitCode(), 1);
        QVERIFY(process.readAllStandardError().contains("No space left on device"));
    }
};

QTEST_GUILESS_MAIN(TstGeneralVerbs)
#include "tst_general_verbs.moc"
