// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

class TstJson : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void canonicalFormHasOneSpelling_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("keys are sorted") << std::string(R"({"b":1, "a":2})") << std::string(R"({"a":2,"b":1})");
        QTest::addRow("integral double is an integer") << std::string("[4.0, 4e0, 4]") << std::string("[4,4,4]");
        QTest::addRow("shortest fraction") << std::string("[0.10, 1e-1]") << std::string("[0.1,0.1]");
        QTest::addRow("UTF-8 is kept") << std::string("[\"\\u00e9\"]") << std::string("[\"\xc3\xa9\"]");
    }
    void canonicalFormHasOneSpelling()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, expected);
        const auto value = parseJson(text, "row");
        QVERIFY(value.ok());
        QCOMPARE(canonicalJson(value.value()), expected);
    }

    void parseRefuses_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addRow("duplicate key") << std::string(R"({"a":1,"a":2})");
        QTest::addRow("trailing text") << std::string("{} x");
        QTest::addRow("too deep") << std::string(100, '[') + std::string(100, ']');
        QTest::addRow("empty") << std::string();
    }
    void parseRefuses()
    {
        QFETCH(std::string, text);
        const auto value = parseJson(text, "file.json");
        QVERIFY(!value.ok());
        QCOMPARE(value.error().code, ErrorCode::Corrupt);
        QVERIFY(value.error().message.find("file.json") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstJson)
#include "tst_json.moc"
