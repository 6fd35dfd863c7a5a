// SPDX-License-Identifier: Apache-2.0
// verify and compact through the built program.
#include "tests/app/program_call.h"
#include "tests/app/sample_project.h"

#include <QDir>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

class TstVerifyVerb : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        const core::Status written = writeSampleProject(project());
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
    }

    void soundProjectExitsZero()
    {
        const ProgramCall text = callProgram({QStringLiteral("verify"), project()});
        QVERIFY2(text.status == 0, qPrintable(text.described()));
        QCOMPARE(text.outText(), project() + QStringLiteral(" is sound: 6 trials\n"));
        const ProgramCall call = callProgram({QStringLiteral("verify"), project(), QStringLiteral("--json")});
        QCOMPARE(call.status, 0);
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.verify/1"));
        QCOMPARE(json[QLatin1String("ok")].toBool(), true);
        QCOMPARE(json[QLatin1String("trials")].toInt(), 6);
        QVERIFY(json[QLatin1String("findings")].isArray());
        QVERIFY(json[QLatin1String("findings")].toArray().isEmpty());
    }

    void damageIsOneLineEachAndExitsFour()
    {
        damage();
        const ProgramCall text = callProgram({QStringLiteral("verify"), project()});
        QCOMPARE(text.status, 4);
        QCOMPARE(text.outText().count(QLatin1Char('\n')), 1);
        QVERIFY2(text.outText().contains(QLatin1String("[header]")) &&
                     text.outText().contains(QLatin1String("application id")) &&
                     text.outText().contains(QLatin1String("--repair-to")),
                 qPrintable(text.described()));
        const ProgramCall call = callProgram({QStringLiteral("verify"), project(), QStringLiteral("--json")});
        QCOMPARE(call.status, 4);
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("ok")].toBool(), false);
        const QJsonObject finding = json[QLatin1String("findings")].toArray()[0].toObject();
        QCOMPARE(finding[QLatin1String("kind")].toString(), QStringLiteral("header"));
        QCOMPARE(finding[QLatin1String("where")].toString(), QStringLiteral("sample.pscope, byte 68"));
        QCOMPARE(finding[QLatin1String("repairable")].toBool(), true);
        QVERIFY(!finding[QLatin1String("message")].toString().isEmpty());
    }

    void repairTellsWhatItKept_data()
    {
        QTest::addColumn<bool>("json");
        QTest::addRow("text") << false;
        QTest::addRow("JSON") << true;
    }
    void repairTellsWhatItKept()
    {
        QFETCH(bool, json);
        damage();
        const QString saved = m_folder->filePath(QStringLiteral("saved.pscope"));
        QStringList arguments {QStringLiteral("verify"), project(), QStringLiteral("--repair-to"), saved};
        if (json)
            arguments << QStringLiteral("--json");
        const ProgramCall call = callProgram(arguments);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        if (json) {
            const QJsonObject repair = call.json()[QLatin1String("repair")].toObject();
            QCOMPARE(repair[QLatin1String("ok")].toBool(), true);
            QCOMPARE(repair[QLatin1String("trials")].toInt(), 6);
            QVERIFY(!repair[QLatin1String("tables")].toArray().isEmpty());
        } else {
            QVERIFY2(call.outText().contains(QLatin1String("trial: 6 rows kept")), qPrintable(call.described()));
        }
        QCOMPARE(callProgram({QStringLiteral("verify"), saved}).status, 0);
        const ProgramCall again = callProgram(arguments);
        QCOMPARE(again.status, 4); // the file is there already
        QVERIFY((json ? again.outText() : again.errText()).contains(QLatin1String("saved.pscope is there already")));
    }

    void compactTellsTheBytes()
    {
        const ProgramCall call = callProgram({QStringLiteral("compact"), project(), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.compact/1"));
        QVERIFY(json[QLatin1String("bytes_before")].toInt() >= json[QLatin1String("bytes_after")].toInt());
        QCOMPARE(qint64(json[QLatin1String("bytes_after")].toInt()), QFileInfo(project()).size());
        QCOMPARE(callProgram({QStringLiteral("verify"), project()}).status, 0);
        QCOMPARE(QDir(m_folder->path()).entryList(QDir::Files), QStringList {QStringLiteral("sample.pscope")});
    }

    void compactIsRefusedWhileASweepWrites()
    {
        const auto writer = core::ProjectStore::open(project().toStdString(), core::OpenMode::ReadWrite);
        QVERIFY(writer.ok());
        const ProgramCall call = callProgram({QStringLiteral("compact"), project()});
        QCOMPARE(call.status, 5);
        QCOMPARE(call.errText().count(QLatin1Char('\n')), 1);
        QCOMPARE(callProgram({QStringLiteral("verify"), project()}).status, 0);
    }

    void unknownFilesAreRefused_data()
    {
        QTest::addColumn<QString>("verb");
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("code");
        for (const char* verb : {"verify", "compact"}) {
            QTest::addRow("%s a missing one", verb)
                << QString::fromLatin1(verb) << QStringLiteral("missing.pscope") << QStringLiteral("NotFound");
            QTest::addRow("%s a text", verb)
                << QString::fromLatin1(verb) << QStringLiteral("text.pscope") << QStringLiteral("Corrupt");
        }
    }
    void unknownFilesAreRefused()
    {
        QFETCH(QString, verb);
        QFETCH(QString, file);
        QFETCH(QString, code);
        QFile text(m_folder->filePath(QStringLiteral("text.pscope")));
        QVERIFY(text.open(QIODevice::WriteOnly));
        text.write(QByteArray(5000, 't'));
        text.close();
        const ProgramCall call = callProgram({verb, m_folder->filePath(file), QStringLiteral("--json")});
        QCOMPARE(call.status, 4);
        QCOMPARE(call.json()[QLatin1String("code")].toString(), code);
    }

private:
    QString project() const { return m_folder->filePath(QStringLiteral("sample.pscope")); }

    void damage()
    {
        QFile file(project());
        QVERIFY(file.open(QIODevice::ReadWrite));
        file.seek(68);
        file.write("ABCD");
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstVerifyVerb)
#include "tst_verify_verb.moc"
