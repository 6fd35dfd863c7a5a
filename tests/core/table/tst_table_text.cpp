// SPDX-License-Identifier: Apache-2.0
#include "core/table/table_text.h"

#include <QtTest>

using namespace paretoscope::core;

class TstTableText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void csvReadsBackEqual_data()
    {
        QTest::addColumn<QString>("cell");
        QTest::addRow("plain") << QStringLiteral("a b");
        QTest::addRow("empty") << QString();
        QTest::addRow("comma") << QStringLiteral("gptq(bits=3,group_size=64)");
        QTest::addRow("quotation marks") << QStringLiteral("say \"no\"");
        QTest::addRow("line break") << QStringLiteral("one\ntwo");
        QTest::addRow("carriage return") << QStringLiteral("one\r\ntwo\r");
        QTest::addRow("beyond ASCII") << QStringLiteral("23 ± 0.3 模型");
    }
    void csvReadsBackEqual()
    {
        QFETCH(QString, cell);
        const TextRows rows {{"first", "second"}, {cell.toStdString(), "1"}, {"2", cell.toStdString()}};
        const auto read = parseCsv(asCsv(rows), "table");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(read.value() == rows);
    }

    void otherProgramsCsvIsRead_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addRow("carriage returns") << QByteArray("a,b\r\n1,2\r\n");
        QTest::addRow("no line break at the end") << QByteArray("a,b\n1,2");
        QTest::addRow("byte order mark") << QByteArray("\xEF\xBB\xBF"
                                                       "a,b\n1,2\n");
        QTest::addRow("semicolons") << QByteArray("a;b\n1;2\n");
        QTest::addRow("tabs") << QByteArray("a\tb\n1\t2\n");
        QTest::addRow("empty lines") << QByteArray("a,b\n\n1,2\n\n");
        QTest::addRow("quoted all") << QByteArray("\"a\",\"b\"\n\"1\",\"2\"\n");
    }
    void otherProgramsCsvIsRead()
    {
        QFETCH(QByteArray, text);
        const auto read = parseCsv({text.constData(), std::size_t(text.size())}, "table");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(read.value() == (TextRows {{"a", "b"}, {"1", "2"}}));
    }

    void brokenCsvNamesTheLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* name, const char* text, const char* sentence) {
            QTest::addRow("%s", name) << QByteArray(text) << QString::fromLatin1(sentence);
        };
        row("too few cells", "a,b\n1,2\n3\n", "table: line 3 has 1 cells, the header has 2");
        row("open quotation mark", "a,b\n1,\"2\n3,4\n", "table: line 2 opens a quotation mark that is never closed");
        row("quotation mark inside", "a,b\n1,2\"\n", "table: line 2 has a quotation mark inside a plain cell");
        row("text behind one", "a,b\n\"1\"x,2\n", "table: line 2 has text after a closing quotation mark");
        row("not UTF-8", "a,b\n\xff,2\n", "table is not UTF-8");
        row("nothing", "", "table holds no table");
        row("nothing but lines", "\n\n", "table holds no table");
    }
    void brokenCsvNamesTheLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, sentence);
        const auto read = parseCsv({text.constData(), std::size_t(text.size())}, "table");
        QVERIFY(!read.ok());
        QVERIFY2(QString::fromStdString(read.error().message).contains(sentence), read.error().message.c_str());
    }

    void markupStaysText()
    {
        const TextRows rows {{"name", "value"}, {"<b>|x_1\n", "1 ± 2 & 50 %"}};
        QCOMPARE(asMarkdown(rows), std::string("| name | value |\n| --- | --- |\n| \\<b>\\|x_1  | 1 ± 2 & 50 % |\n"));
        QCOMPARE(asLatex(rows), std::string("\\begin{tabular}{ll}\n\\hline\nname & value \\\\\n\\hline\n"
                                            "<b>|x\\_1\n & 1 $\\pm$ 2 \\& 50 \\% \\\\\n\\hline\n\\end{tabular}\n"));
        QCOMPARE(asTsv(rows), std::string("name\tvalue\n<b>|x_1 \t1 ± 2 & 50 %\n"));
    }
};

QTEST_GUILESS_MAIN(TstTableText)
#include "tst_table_text.moc"
