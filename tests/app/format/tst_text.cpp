// SPDX-License-Identifier: Apache-2.0
#include "app/format/table.h"
#include "app/format/text.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

class TstText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void widthCountsColumns()
    {
        QCOMPARE(displayWidth("abc"), std::size_t(3));
        QCOMPARE(displayWidth("23 ± 1"), std::size_t(6));
        QCOMPARE(displayWidth("模型"), std::size_t(4));
        QCOMPARE(displayWidth("e\u0301"), std::size_t(1));
        QCOMPARE(displayWidth("\xff\xfe"), std::size_t(2)); // not UTF-8: one column a byte
    }

    void cutTextFits()
    {
        QCOMPARE(elided("gptq(bits=3)", 20), std::string("gptq(bits=3)"));
        QCOMPARE(elided("gptq(bits=3)", 6), std::string("gptq(…"));
        QCOMPARE(elided("模型模型", 4), std::string("模…")); // a wide character is not halved
        QCOMPARE(elided("abc", 0), std::string());
    }

    void linesAreWrappedAtSpaces()
    {
        const std::vector<std::string> expected {"one two", "three", "a-very-long-word", "x",
                                                 "  kept as it is even long"};
        QCOMPARE(wrapped("one two three a-very-long-word x\n  kept as it is even long", 8), expected);
    }

    void terminalCannotBeSteered()
    {
        QCOMPARE(printable("a\x1b[2Jb\nc\x7f"), std::string("a?[2Jb?c?"));
        QCOMPARE(printable("\xc2\x9b"
                           "31m"),
                 std::string("??31m"));
        QCOMPARE(printable("23 ± 1 模"), std::string("23 ± 1 模"));
    }

    void tableAligns()
    {
        TextTable table({{"pipeline", false, true}, {"perplexity", true}, {"size", true}});
        table.addRow({"baseline", "23.46 ± 0.31", "2.6 MB"});
        table.addRow({"gptq(bits=3,group_size=64)", "27.1", "700.0 kB"});
        QCOMPARE(QString::fromStdString(table.text({})),
                 QStringLiteral("pipeline                      perplexity      size\n"
                                "baseline                    23.46 ± 0.31    2.6 MB\n"
                                "gptq(bits=3,group_size=64)          27.1  700.0 kB\n"));
    }

    void narrowTerminalCutsOnlyWhatMayBeCut()
    {
        TextTable table({{"pipeline", false, true}, {"perplexity", true}});
        table.addRow({"gptq(bits=3,group_size=64)", "27.1"});
        Stream stream;
        stream.isTerminal = true;
        stream.width = 30;
        QCOMPARE(QString::fromStdString(table.text(stream)), QStringLiteral("pipeline            perplexity\n"
                                                                            "gptq(bits=3,group…        27.1\n"));
        stream.width = 10; // a flexible column keeps twelve columns, however narrow the terminal
        QCOMPARE(QString::fromStdString(table.text(stream)), QStringLiteral("pipeline      perplexity\n"
                                                                            "gptq(bits=3…        27.1\n"));
    }

    void optionalColumnsGoBeforeAnythingIsCut()
    {
        TextTable table({{"pipeline", false, true},
                         {"perplexity", true},
                         {"bits", true, false, true},
                         {"time", true, false, true}});
        table.addRow({"gptq(bits=3,group_size=64)", "27.1", "4.25", "12 s"});
        Stream stream;
        stream.isTerminal = true;
        stream.width = 44;
        QCOMPARE(QString::fromStdString(table.text(stream)).section(QLatin1Char('\n'), 1, 1),
                 QStringLiteral("gptq(bits=3,group_size=64)        27.1  4.25"));
        stream.width = 30;
        QCOMPARE(QString::fromStdString(table.text(stream)).section(QLatin1Char('\n'), 1, 1),
                 QStringLiteral("gptq(bits=3,group…        27.1"));
    }

    void colourOnlyWhereItIsShown()
    {
        TextTable table({{"a"}});
        table.addRow({"x"}, Emphasis::Good);
        Stream stream;
        QVERIFY(table.text(stream).find('\x1b') == std::string::npos);
        stream.colour = true;
        QVERIFY(table.text(stream).find("\x1b[32mx\x1b[0m") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstText)
#include "tst_text.moc"
