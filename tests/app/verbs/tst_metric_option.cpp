// SPDX-License-Identifier: Apache-2.0
#include "app/verbs/metric_option.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

class TstMetricOption : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsNamesAndValues_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("bare");
        QTest::addColumn<QString>("expected"); // canonical JSON; empty: refused
        const auto row = [](const char* tag, const char* text, const char* bare, const char* expected) {
            QTest::addRow("%s", tag) << QString::fromLatin1(text) << QString::fromLatin1(bare)
                                     << QString::fromLatin1(expected);
        };
        row("types", "length=512,ratio=0.5,bos=none,fast=true", "",
            R"({"bos":"none","fast":true,"length":512,"ratio":0.5})");
        row("path", "corpus=/data/wiki.txt", "", R"({"corpus":"/data/wiki.txt"})");
        row("comma in a path", "corpus=/data/a,b.txt,length=8", "", R"({"corpus":"/data/a,b.txt","length":8})");
        row("equals sign in a value", "corpus=/data/a=b.txt", "", R"({"corpus":"/data/a=b.txt"})");
        row("number in a name", "corpus=/data/7", "", R"({"corpus":"/data/7"})");
        row("first part without a name", "/data/t.jsonl,limit=3", "file", R"({"file":"/data/t.jsonl","limit":3})");
        row("no name", "/data/wiki.txt", "", "");
        row("twice", "a=1,a=2", "", "");
        row("empty", "", "", "");
    }
    void readsNamesAndValues()
    {
        QFETCH(QString, text);
        QFETCH(QString, bare);
        QFETCH(QString, expected);
        const auto options = readMetricOptions(text.toStdString(), bare.toStdString(), {"corpus", "file"});
        QCOMPARE(options.ok(), !expected.isEmpty());
        if (options.ok())
            QCOMPARE(QString::fromStdString(core::canonicalJson(options.value())), expected);
    }

    void pathsAreMadeAbsolute()
    {
        const auto options = readMetricOptions("corpus=wiki.txt", "", {"corpus"});
        QVERIFY(options.ok());
        QCOMPARE(QString::fromStdString(options.value()["corpus"].get<std::string>()),
                 QDir::current().filePath(QStringLiteral("wiki.txt")));
    }
};

QTEST_GUILESS_MAIN(TstMetricOption)
#include "tst_metric_option.moc"
