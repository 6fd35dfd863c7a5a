// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/completion.h"
#include "app/command_line/help_text.h"
#include "app/verbs/verb_table.h"

#include <QProcess>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

class TstCompletion : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void scriptKnowsEveryVerbAndOption_data()
    {
        QTest::addColumn<QString>("shell");
        for (const char* shell : {"bash", "zsh", "fish"})
            QTest::addRow("%s", shell) << QString::fromLatin1(shell);
    }
    void scriptKnowsEveryVerbAndOption()
    {
        QFETCH(QString, shell);
        const std::string script = completionScript(shell.toStdString());
        for (const VerbEntry& entry : verbTable()) {
            QVERIFY2(script.find(entry.name) != std::string::npos, entry.name.data());
            const auto verb = entry.make();
            CommonOptions common;
            const OptionTable table = optionsOf(*verb, common);
            for (const std::string& option : table.optionNames()) {
                const std::string spelt = shell == QLatin1String("fish") ? "-l " + option.substr(2) : option;
                QVERIFY2(script.find(spelt) != std::string::npos, option.c_str());
            }
        }
    }

    void shellAcceptsTheScript_data() { scriptKnowsEveryVerbAndOption_data(); }
    void shellAcceptsTheScript()
    {
        QFETCH(QString, shell);
        if (QStandardPaths::findExecutable(shell).isEmpty())
            QSKIP("this shell is not installed");
        QProcess process;
        process.start(shell, {QStringLiteral("-n")});
        process.write(QByteArray::fromStdString(completionScript(shell.toStdString())));
        process.closeWriteChannel();
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.readAllStandardError(), QByteArray());
        QCOMPARE(process.exitCode(), 0);
    }

    void bashCompletes_data()
    {
        QTest::addColumn<QString>("line"); // the last word is completed
        QTest::addColumn<QString>("offered");
        QTest::addColumn<QString>("notOffered");
        const auto row = [](const char* line, const char* offered, const char* notOffered = "-") {
            QTest::addRow("%s", line) << QString::fromLatin1(line) << QString::fromLatin1(offered)
                                      << QString::fromLatin1(notOffered);
        };
        row("paretoscope plug", "plugins", "help");
        row("paretoscope pro", "project.pscope", "sweep.yaml");
        row("paretoscope help comp", "completion");
        row("paretoscope completion ", "fish", "plugins");
        row("paretoscope plugins list --col", "--color");
        row("paretoscope plugins --color ", "never", "list");
        row("paretoscope --batch sw", "sweep.yaml", "project.pscope");
        row("paretoscope --bat", "--batch");
    }
    void bashCompletes()
    {
        QFETCH(QString, line);
        QFETCH(QString, offered);
        QFETCH(QString, notOffered);
        if (QStandardPaths::findExecutable(QStringLiteral("bash")).isEmpty())
            QSKIP("bash is not installed");
        QTemporaryDir folder;
        for (const char* name : {"sweep.yaml", "project.pscope", "model.gguf"}) {
            QFile file(folder.filePath(QLatin1String(name)));
            QVERIFY(file.open(QIODevice::WriteOnly));
        }
        QProcess bash;
        bash.setWorkingDirectory(folder.path());
        const QString drive = QStringLiteral("\nCOMP_WORDS=(%1)\n[ \"${1: -1}\" = ' ' ] && COMP_WORDS+=('')\n"
                                             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_paretoscope\n"
                                             "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
                                  .arg(line);
        bash.start(QStringLiteral("bash"),
                   {QStringLiteral("-c"), QString::fromStdString(completionScript("bash")) + drive,
                    QStringLiteral("bash"), line});
        QVERIFY(bash.waitForFinished());
        const QStringList replies =
            QString::fromUtf8(bash.readAllStandardOutput()).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QVERIFY2(replies.contains(offered),
                 qPrintable(replies.join(QLatin1Char(' ')) + QString::fromUtf8(bash.readAllStandardError())));
        QVERIFY2(!replies.contains(notOffered), qPrintable(replies.join(QLatin1Char(' '))));
    }

    void helpListsEveryOption()
    {
        for (const VerbEntry& entry : verbTable()) {
            const std::string help = verbHelp(entry, 80);
            const auto verb = entry.make();
            CommonOptions common;
            const OptionTable table = optionsOf(*verb, common);
            for (const OptionSpec& spec : table.specs())
                QVERIFY2(help.find(spec.name) != std::string::npos, spec.name.c_str());
            for (const QString& line : QString::fromStdString(help).split(QLatin1Char('\n')))
                QVERIFY2(line.size() <= 100, qPrintable(line));
        }
    }

    void everyVerbIsDescribed()
    {
        for (const VerbEntry& entry : verbTable()) {
            QVERIFY(!entry.summary.empty() && !entry.description.empty());
            const auto verb = entry.make();
            CommonOptions common;
            const OptionTable table = optionsOf(*verb, common);
            for (const OptionSpec& spec : table.specs())
                QVERIFY2(spec.doc.size() > 10 && spec.doc.back() == '.', spec.name.c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TstCompletion)
#include "tst_completion.moc"
