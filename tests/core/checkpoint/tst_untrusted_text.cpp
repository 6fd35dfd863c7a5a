// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/untrusted_text.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

class TstUntrustedText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void quotesWhatATerminalMayShow_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("plain") << std::string("a.weight") << std::string("\"a.weight\"");
        QTest::addRow("empty") << std::string() << std::string("\"\"");
        QTest::addRow("accents") << std::string("mod\xc3\xa8le") << std::string("\"mod\xc3\xa8le\"");
        QTest::addRow("escape sequence") << std::string("\x1b[31m") << std::string("\"\\x1b[31m\"");
        QTest::addRow("NUL") << std::string("a\0b", 3) << std::string("\"a\\x00b\"");
        QTest::addRow("C1 control") << std::string("\xc2\x9b") << std::string("\"\\xc2\\x9b\"");
        QTest::addRow("ill-formed") << std::string("\xc3(") << std::string("\"\\xc3(\"");
        QTest::addRow("long") << std::string(200, 'x') << "\"" + std::string(80, 'x') + "...\"";
    }
    void quotesWhatATerminalMayShow()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, expected);
        QCOMPARE(inQuotes(text), expected);
    }

    void plainTextIsWellFormedUtf8_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<bool>("plain");
        QTest::addRow("ASCII") << std::string("general.name") << true;
        QTest::addRow("empty") << std::string() << true;
        QTest::addRow("two bytes") << std::string("\xc4\xa0") << true;
        QTest::addRow("three bytes") << std::string("\xe2\x96\x81") << true;
        QTest::addRow("four bytes") << std::string("\xf0\x9f\x98\x80") << true;
        QTest::addRow("highest") << std::string("\xf4\x8f\xbf\xbf") << true;
        QTest::addRow("NUL") << std::string("\0", 1) << false;
        QTest::addRow("line break") << std::string("a\nb") << false;
        QTest::addRow("delete") << std::string("\x7f") << false;
        QTest::addRow("lone continuation") << std::string("\x80") << false;
        QTest::addRow("cut off") << std::string("\xe2\x96") << false;
        QTest::addRow("overlong of two") << std::string("\xc0\x80") << false;
        QTest::addRow("overlong of three") << std::string("\xe0\x9f\xbf") << false;
        QTest::addRow("overlong of four") << std::string("\xf0\x8f\xbf\xbf") << false;
        QTest::addRow("surrogate") << std::string("\xed\xa0\x80") << false;
        QTest::addRow("beyond Unicode") << std::string("\xf4\x90\x80\x80") << false;
    }
    void plainTextIsWellFormedUtf8()
    {
        QFETCH(std::string, text);
        QFETCH(bool, plain);
        QCOMPARE(isPlainText(text), plain);
    }
};

QTEST_GUILESS_MAIN(TstUntrustedText)
#include "tst_untrusted_text.moc"
