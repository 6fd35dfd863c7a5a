// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/marked_value.h"

#include <QtTest>

#include <clocale>
#include <locale>
#include <string>

using namespace paretoscope::core;

namespace {

std::string repeated(std::string_view part, std::size_t count)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += part;
    return text;
}

/// Every scalar of a tree with the place where it stands, one a line.
std::string places(const SourceText& source, const MarkedValue& value)
{
    if (value.kind == MarkedValue::Kind::Scalar)
        return value.scalar.dump() + " at " + source.where(value.place).substr(source.name.size() + 1) + "\n";
    std::string text;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (value.isMap())
            text += value.keys[i] + " at " + source.where(value.keyPlaces[i]).substr(source.name.size() + 1) + "\n";
        text += places(source, value.items[i]);
    }
    return text;
}

/// Nine levels, each ten times the one before: a billion values in 600 bytes.
std::string aliasBomb()
{
    std::string text = "a0: &a0 [x]\n";
    for (int level = 1; level < 10; ++level) {
        const std::string use = "*a" + std::to_string(level - 1) + ", ";
        text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + repeated(use, 10) + "x]\n";
    }
    return text;
}

/// How Germans write numbers.
struct DecimalComma : std::numpunct<char>
{
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

} // namespace

class TstMarkedValue : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void plainTextMeansWhatYamlSays_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("expected");
        const auto row = [](const char* text, const char* expected) {
            QTest::addRow("%s", *text ? text : "nothing") << std::string(text) << std::string(expected);
        };
        row("", "null");
        row("~", "null");
        row("null", "null");
        row("none", "\"none\"");
        row("true", "true");
        row("False", "false");
        row("yes", "\"yes\""); // YAML 1.1 took it for true
        row("off", "\"off\"");
        row("4", "4");
        row("-1", "-1");
        row("+7", "7");
        row("007", "7");
        row("0x1F", "31");
        row("0o17", "15");
        row("0x", "\"0x\"");
        row("-0x1", "\"-0x1\"");
        row("4.0", "4.0");
        row("-.5", "-0.5");
        row("1e3", "1000.0");
        row("1E-2", "0.01");
        row("5.", "5.0");
        row("1e999", "\"1e999\"");
        row(".inf", "\".inf\"");
        row("nan", "\"nan\"");
        row("inf", "\"inf\"");
        row("-", "\"-\"");
        row("--1", "\"--1\"");
        row("+-1", "\"+-1\"");
        row("1-2", "\"1-2\"");
        row("2:4", "\"2:4\""); // YAML 1.1 took it for sixty-based
        row("1_000", "\"1_000\"");
        row("1,000", "\"1,000\"");
        row("9223372036854775807", "9223372036854775807");
        row("18446744073709551615", "18446744073709551615");
        row("-9223372036854775807", "-9223372036854775807");
        row("99999999999999999999", "1e+20");
        row("3 bit", "\"3 bit\"");
    }
    void plainTextMeansWhatYamlSays()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, expected);
        QCOMPARE(plainScalar(text).dump(), expected);
    }

    void numbersDoNotDependOnTheLocale()
    {
        const std::locale before = std::locale::global(std::locale(std::locale(), new DecimalComma));
        std::setlocale(LC_NUMERIC, "de_DE.UTF-8"); // where it is installed
        const Json number = plainScalar("0.25");
        const auto read = readMarkedJson({"x.json", "[0.25]", {}});
        std::locale::global(before);
        std::setlocale(LC_NUMERIC, "C");
        QCOMPARE(number, Json(0.25));
        QVERIFY(read.ok());
        QCOMPARE(read.value().items[0].scalar, Json(0.25));
    }

    void everyValueKnowsItsPlace_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<bool>("json");
        QTest::addColumn<std::string>("expected");
        const auto row = [](const char* tag, bool json, const std::string& text, const char* expected) {
            QTest::addRow("%s", tag) << text << json << std::string(expected);
        };
        row("block", false, "a: 1\nb:\n  - x\n  - [2, y]\n",
            "a at 1:1\n1 at 1:4\nb at 2:1\n\"x\" at 3:5\n2 at 4:6\n\"y\" at 4:9\n");
        row("flow over lines", false, "a: {b: 1,\n    c: 'q'}\n",
            "a at 1:1\nb at 1:5\n1 at 1:8\nc at 2:5\n\"q\" at 2:8\n");
        row("windows line ends", false, "a: 1\r\nb: 2\r\n", "a at 1:1\n1 at 1:4\nb at 2:1\n2 at 2:4\n");
        row("columns count characters", false, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\": 1\n",
            "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 at 1:1\n1 at 1:8\n");
        row("alias stands where it was defined", false, "a: &x 1\nb: *x\n", "a at 1:1\n1 at 1:4\nb at 2:1\n1 at 1:4\n");
        row("JSON", true, "{\"a\": 1, \"b\":[true,null],\n \"c\": {\"d\": -2.5}}\n",
            "a at 1:2\n1 at 1:7\nb at 1:10\ntrue at 1:15\nnull at 1:20\nc at 2:2\nd at 2:8\n-2.5 at 2:13\n");
        row("JSON without spaces", true, R"([1,[2],{"a":3},[],{},4])",
            "1 at 1:2\n2 at 1:5\na at 1:9\n3 at 1:13\n4 at 1:22\n");
        row("JSON with escapes", true, "[\"\\u00e9\\ud83d\\ude00\\\"\", \"\\t\"]",
            "\"\xc3\xa9\xf0\x9f\x98\x80\\\"\" at 1:2\n\"\\t\" at 1:26\n");
    }
    void everyValueKnowsItsPlace()
    {
        QFETCH(std::string, text);
        QFETCH(bool, json);
        QFETCH(std::string, expected);
        const SourceText source {"x", text, {}};
        const auto read = json ? readMarkedJson(source) : readYaml(source);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(places(source, read.value()), expected);
    }

    void yamlAndJsonReadTheSame()
    {
        const std::string text = R"({"a": [1, -2.5, "x", true, null, {"b": {}}], "c": "4"})";
        const auto yaml = readYaml({"x.yaml", text, {}});
        const auto json = readMarkedJson({"x.json", text, {}});
        QVERIFY(yaml.ok() && json.ok());
        QCOMPARE(yaml.value().toJson().dump(), json.value().toJson().dump());
        QCOMPARE(json.value().toJson().dump(), Json::parse(text).dump());
    }

    void quotesMakeText()
    {
        const auto read = readYaml({"x.yaml", "['4', \"true\", 4, '']", {}});
        QVERIFY(read.ok());
        QCOMPARE(read.value().toJson().dump(), std::string(R"(["4","true",4,""])"));
        QVERIFY(read.value().items[0].isQuoted);
        QVERIFY(!read.value().items[2].isQuoted);
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<bool>("json");
        QTest::addColumn<std::string>("expected");
        const auto yaml = [](const char* tag, const std::string& text, const char* expected) {
            QTest::addRow("%s", tag) << text << false << std::string(expected);
        };
        const auto json = [](const char* tag, const std::string& text, const char* expected) {
            QTest::addRow("JSON, %s", tag) << text << true << std::string(expected);
        };
        yaml("empty", "", "x:1:1: the file is empty");
        yaml("only comments", "# nothing\n", "x:1:1: the file is empty");
        yaml("key twice", "a: 1\nb: 2\na: 3\n", "x:3:1: key \"a\" stands there twice");
        yaml("key twice in flow", "{a: 1, \"a\": 2}", "x:1:8: key \"a\" stands there twice");
        yaml("two documents", "a: 1\n---\nb: 2\n", "x:2:1: a second document begins here");
        yaml("tab as indentation", "a:\n\tb: 1\n", "indent with spaces; YAML does not allow tabs there");
        yaml("open bracket", "a: [1, 2\nb: 3\n", "not valid YAML");
        yaml("closed twice", "a: [1]]\n", "x:1:7: not valid YAML");
        yaml("pattern without quotes", "a: [*.mlp]\n", "put a text that begins with * or & in quotes");
        yaml("unknown alias", "a: *x\n", "x:1:4: not valid YAML: the referenced anchor is not defined");
        yaml("alias to itself", "a: &a [1, *a]\n", "x:1:11: this alias refers to what it is a part of");
        yaml("alias bomb", aliasBomb(), "more than 1000000 values");
        yaml("merge key", "a: &a {b: 1}\nc:\n  <<: *a\n", "x:3:3: merge keys (<<) are not read");
        yaml("tag", "a: !!str 4\n", "x:1:4: tags (tag:yaml.org,2002:str) are not read");
        yaml("tag of a list", "a: !x [1]\n", "tags (!x) are not read");
        yaml("list as key", "? [a]\n: 1\n", "x:1:3: a list or a map cannot be a key");
        yaml("deep", repeated("[", 65) + repeated("]", 65), "x:1:65: nested deeper than 64 levels");
        yaml("very deep", repeated("[", 100000), "x:1:");
        yaml("not UTF-8", "a: 1\nb: \xff\xfe\n", "x:2:1: not UTF-8 text");
        yaml("UTF-16", std::string("a\0:\0", 4), "x:1:1: not UTF-8 text, or a control character");
        yaml("NUL", std::string("a: x\0y", 6), "not UTF-8 text, or a control character");
        yaml("escape character", "a: \x1b[31m\n", "not UTF-8 text, or a control character");
        yaml("too large", std::string((8 << 20) + 1, '#'), "x has 8388609 bytes; a sweep file has at most 8388608");
        yaml("too many values", "[" + repeated("1,", 1'000'001) + "1]", "more than 1000000 values");
        json("empty", "", "x:1:1: not valid JSON");
        json("key twice", "{\"a\": 1,\n \"a\": 2}", "x:2:2: key \"a\" stands there twice");
        json("missing comma", "{\"a\": 1\n \"b\": 2}", "x:2:4: not valid JSON: syntax error");
        json("trailing comma", "[1,\n 2,]", "x:2:4: not valid JSON");
        json("trailing text", "{} x", "not valid JSON");
        json("comment", "{} // x", "not valid JSON");
        json("deep", repeated("[", 65) + repeated("]", 65), "x:1:65: nested deeper than 64 levels");
        json("very deep", repeated("[", 1000000), "x:1:65: nested deeper than 64 levels");
        json("not UTF-8", "[\"\xff\"]", "x:1:1: not UTF-8 text");
        json("number too large", "[1e999]", "not valid JSON");
        json("not a number", "[NaN]", "x:1:2: not valid JSON");
    }
    void refuses()
    {
        QFETCH(std::string, text);
        QFETCH(bool, json);
        QFETCH(std::string, expected);
        const SourceText source {"x", text, {}};
        const auto read = json ? readMarkedJson(source) : readYaml(source);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::InvalidArgument);
        const std::string sentence = read.error().sentence();
        QVERIFY2(sentence.find(expected) != std::string::npos, sentence.c_str());
    }

    void aliasesCopy()
    {
        const auto read = readYaml({"x.yaml", "a: &a {x: [1, 2]}\nb: [*a, *a]\nc: &c t\nd: *c\n", {}});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().toJson().dump(),
                 std::string(R"({"a":{"x":[1,2]},"b":[{"x":[1,2]},{"x":[1,2]}],"c":"t","d":"t"})"));
    }

    void keysKeepTheOrderOfTheFile()
    {
        const auto read = readYaml({"x.yaml", "z: 1\na: 2\nm: 3\n", {}});
        QVERIFY(read.ok());
        QCOMPARE(read.value().keys, (std::vector<std::string> {"z", "a", "m"}));
    }
};

QTEST_GUILESS_MAIN(TstMarkedValue)
#include "tst_marked_value.moc"
