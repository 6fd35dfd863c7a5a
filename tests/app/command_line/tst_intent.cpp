// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/intent.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

namespace {

std::vector<std::string> words(const QString& line)
{
    std::vector<std::string> list;
    for (const QString& word : line.split(QLatin1Char(' '), Qt::SkipEmptyParts))
        list.push_back(word.toStdString());
    return list;
}

QString described(const Intent& intent)
{
    static const char* kKinds[] = {"window", "help", "version", "verb", "error"};
    QString text = QString::fromLatin1(kKinds[static_cast<int>(intent.kind)]);
    if (intent.kind == Intent::Kind::Verb) {
        text += QLatin1Char(' ') + QString::fromStdString(intent.verb);
        for (const std::string& argument : intent.arguments)
            text += QLatin1Char(' ') + QString::fromStdString(argument);
    }
    if (intent.error)
        text += QLatin1String(": ") + QString::fromStdString(intent.error->sentence());
    return text;
}

} // namespace

class TstIntent : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void decidesBetweenVerbAndWindow_data()
    {
        QTest::addColumn<QString>("line");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* line, const char* expected) {
            QTest::addRow("%s", *line ? line : "nothing") << QString::fromUtf8(line) << QString::fromUtf8(expected);
        };
        row("", "window");
        row("demo.pscope", "window");
        row("a.pscope b.pscope", "window");
        row("dir/model", "window");
        row("-platform offscreen", "window");
        row("-platform offscreen demo.pscope", "window");
        row("--help", "help");
        row("-h", "help");
        row("--version", "version");
        row("-V", "version");
        row("--json --version", "version");
        row("help run", "verb help run");
        row("plugins --json", "verb plugins --json");
        row("-q plugins list", "verb plugins -q list");
        row("--json -vv plugins", "verb plugins --json -vv");
        row("--color never plugins", "verb plugins --color never");
        row("--color=never plugins", "verb plugins --color=never");
        row("--batch s.yaml --project p", "verb run s.yaml --project p");
        row("--batch=s.yaml --project p", "verb run s.yaml --project p");
        row("--project p --batch s.yaml", "verb run --project p s.yaml");
        row("--batch - --project p", "verb run - --project p");
        row("-q --batch s.yaml", "verb run -q s.yaml");
        row("--print-config --jobs 3", "verb run --print-config --jobs 3");
    }
    void decidesBetweenVerbAndWindow()
    {
        QFETCH(QString, line);
        QFETCH(QString, expected);
        QCOMPARE(described(readIntent(words(line))), expected);
    }

    void refusesWithANearName_data()
    {
        QTest::addColumn<QString>("line");
        QTest::addColumn<QString>("part");
        const auto row = [](const char* line, const char* part) {
            QTest::addRow("%s", line) << QString::fromUtf8(line) << QString::fromUtf8(part);
        };
        row("plugin", "did you mean \"plugins\"?");
        row("frobnicate", "no verb and no file \"frobnicate\"");
        row("--verison", "did you mean \"--version\"?");
        row("--bacth s.yaml", "did you mean \"--batch\"?");
        row("--batch", "--batch needs a value");
        row("--batch --project p", "--batch needs a value");
        row("experts a b", "no verb \"experts\" yet");
        row("markers --json", "no verb \"markers\" yet");
    }
    void refusesWithANearName()
    {
        QFETCH(QString, line);
        QFETCH(QString, part);
        const QString text = described(readIntent(words(line)));
        QVERIFY2(text.startsWith(QLatin1String("error: ")) && text.contains(part), qPrintable(text));
    }

    void existingFileIsNoMisspeltVerb()
    {
        QTemporaryDir folder;
        const QString before = QDir::currentPath();
        QVERIFY(QDir::setCurrent(folder.path()));
        QVERIFY(QDir().mkdir(QStringLiteral("plugin")));
        const QString text = described(readIntent({"plugin"}));
        QVERIFY(QDir::setCurrent(before));
        QCOMPARE(text, QStringLiteral("window"));
    }
};

QTEST_GUILESS_MAIN(TstIntent)
#include "tst_intent.moc"
