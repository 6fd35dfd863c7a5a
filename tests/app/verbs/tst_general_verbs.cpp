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
        for (const char* verb : {"export-table", "merge", "verify", "compact", "share", "export", "experts", "roofline",
                                 "markers", "hardware", "slurm-script"})
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
        const ProgramSetting setting = withSourcePlugins();
        const QJsonObject list = callProgram({QStringLiteral("plugins"), QStringLiteral("--json")}, setting).json();
        QCOMPARE(list[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.plugins/1"));
        if (list[QLatin1String("plugins")].toArray().isEmpty())
            QSKIP("no plugin in this tree");
        const QString id = list[QLatin1String("plugins")].toArray()[0].toObject()[QLatin1String("id")].toString();
        const ProgramCall ids =
            callProgram({QStringLiteral("plugins"), QStringLiteral("list"), QStringLiteral("--ids")}, setting);
        QVERIFY(ids.outText().split(QLatin1Char('\n')).contains(id));
        const ProgramCall shown = callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id}, setting);
        QVERIFY2(shown.status == 0 && shown.outText().contains(id), qPrintable(shown.described()));
        const QJsonObject one =
            callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id, QStringLiteral("--json")}, setting)
                .json();
        QVERIFY(one[QLatin1String("parameters")].isArray());
        const ProgramCall near =
            callProgram({QStringLiteral("plugins"), QStringLiteral("show"), id.chopped(1)}, setting);
        QVERIFY2(near.status == 4 && near.errText().contains(QLatin1String("did you mean")),
                 qPrintable(near.described()));
    }

    void colourNeedsATerminalOrAWish()
    {
        const ProgramSetting setting = withSourcePlugins();
        const QStringList list {QStringLiteral("plugins")};
        QVERIFY(!callProgram(list, setting).out.contains('\x1b'));
        if (callProgram(list, setting).out.isEmpty())
            QSKIP("no plugin in this tree");
        QVERIFY(callProgram(list + QStringList {QStringLiteral("--color=always")}, setting).out.contains('\x1b'));
        ProgramSetting forced = setting;
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
                            << QStringLiteral("PARETOSCOPE_CACHE=/somewhere");
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
        QVERIFY(process.readAllStandardError().contains("disk full"));
    }

private:
    /// The manifests of the source tree lie as in an installation, so they are there in a build without engine, too.
    static ProgramSetting withSourcePlugins()
    {
        ProgramSetting setting;
        setting.environment << QStringLiteral("PARETOSCOPE_PLUGINS=" PARETOSCOPE_SOURCE_TREE "/plugins");
        return setting;
    }
};

QTEST_GUILESS_MAIN(TstGeneralVerbs)
#include "tst_general_verbs.moc"
