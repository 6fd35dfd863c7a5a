// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/manifest.h"

#include <QtTest>

#include <cmath>
#include <limits>
#include <string>

using namespace paretoscope::core;

namespace {

ParameterSpec parameter(std::string name, ParameterType type, Json defaultValue)
{
    ParameterSpec spec;
    spec.name = std::move(name);
    spec.type = type;
    spec.defaultValue = std::move(defaultValue);
    return spec;
}

PluginManifest demo()
{
    ParameterSpec bits = parameter("bits", ParameterType::Integer, 4);
    bits.minimum = 2;
    bits.maximum = 8;
    bits.unit = "bit";
    ParameterSpec groupSize = parameter("group_size", ParameterType::Integer, 128);
    groupSize.minimum = 8;
    groupSize.maximum = 1024;
    groupSize.special = {-1};
    ParameterSpec damping = parameter("damping", ParameterType::Number, 0.01);
    damping.minimum = 0;
    damping.minimumExcluded = true;
    damping.maximum = 1;
    ParameterSpec clip = parameter("clip", ParameterType::Choice, "none");
    clip.allowed = {"none", "mse"};
    ParameterSpec width = parameter("width", ParameterType::Integer, 1);
    width.allowed = {1, 2, 4};
    ParameterSpec ranks = parameter("ranks", ParameterType::List, Json::array());
    ranks.itemType = ParameterType::Integer;
    ranks.minimum = 1;

    PluginManifest manifest;
    manifest.id = "quantization/demo";
    manifest.parameters = {bits,
                           groupSize,
                           damping,
                           parameter("symmetric", ParameterType::Boolean, false),
                           clip,
                           width,
                           parameter("include", ParameterType::List, Json::array()),
                           ranks};
    return manifest;
}

} // namespace

class TstParameters : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void defaultsFillWhatIsNotGiven()
    {
        const auto resolved = resolveParameters(demo(), {{"bits", 3}});
        QVERIFY(resolved.ok());
        QCOMPARE(canonicalJson(resolved.value()),
                 std::string(R"({"bits":3,"clip":"none","damping":0.01,"group_size":128,"include":[],"ranks":[],)"
                             R"("symmetric":false,"width":1})"));
        QVERIFY(resolveParameters(demo(), Json()).ok()); // nothing given at all
    }

    void valuesGetTheirOneSpelling_data()
    {
        QTest::addColumn<std::string>("given");
        QTest::addColumn<std::string>("expected"); // as dumped
        const auto row = [](const char* tag, const char* given, const char* expected) {
            QTest::addRow("%s", tag) << std::string(given) << std::string(expected);
        };
        row("integer", R"({"bits": 3})", "3");
        row("integral number", R"({"bits": 3.0})", "3");
        row("exponent", R"({"bits": 30e-1})", "3");
        row("special value", R"({"group_size": -1})", "-1");
        row("special as a fraction", R"({"group_size": -1.0})", "-1");
        row("number", R"({"damping": 0.10})", "0.1");
        row("integral number of a number", R"({"damping": 1.0})", "1");
        row("upper end belongs to it", R"({"damping": 1})", "1");
        row("enum of integers", R"({"width": 4.0})", "4");
        row("list", R"({"include": ["a", "b"]})", R"(["a","b"])");
        row("a single text is a list of one", R"({"include": "a"})", R"(["a"])");
        row("list of integers", R"({"ranks": [1.0, 2]})", "[1,2]");
    }
    void valuesGetTheirOneSpelling()
    {
        QFETCH(std::string, given);
        QFETCH(std::string, expected);
        const Json json = Json::parse(given);
        const auto resolved = resolveParameters(demo(), json);
        QVERIFY2(resolved.ok(), resolved.ok() ? "" : resolved.error().sentence().c_str());
        QCOMPARE(resolved.value()[json.begin().key()].dump(), expected);
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("given");
        QTest::addColumn<std::string>("message");
        QTest::addColumn<std::string>("hint");
        const auto row = [](const char* tag, const char* given, const char* message, const char* hint) {
            QTest::addRow("%s", tag) << std::string(given) << std::string(message) << std::string(hint);
        };
        row("fraction of a bit", R"({"bits": 5.5})", "quantization/demo: bits is 5.5, not an integer from 2 to 8 bit",
            "give an integer from 2 to 8 bit");
        row("too small", R"({"bits": 1})", "bits is 1, not an integer from 2 to 8 bit", "give an integer");
        row("too large", R"({"bits": 9})", "bits is 9, not", "give an integer");
        row("huge", R"({"bits": 18446744073709551615})", "bits is 18446744073709551615, not", "give an integer");
        row("beyond integers", R"({"bits": 1e300})", "bits is 1e+300, not", "give an integer");
        row("number in quotes", R"({"bits": "4"})", "bits is \"4\", not an integer", "write the number without quotes");
        row("a flag is no number", R"({"bits": true})", "bits is true, not an integer", "give an integer");
        row("null", R"({"bits": null})", "bits is null, not an integer", "give an integer");
        row("list for a number", R"({"bits": [4]})", "bits is [4], not an integer", "give an integer");
        row("below the range, not special", R"({"group_size": 0})",
            "group_size is 0, not an integer from 8 to 1024, or -1", "give");
        row("open lower end", R"({"damping": 0})", "damping is 0, not a number above 0 and at most 1", "give");
        row("yes is a text", R"({"symmetric": "yes"})", "symmetric is \"yes\", not true or false",
            "write true or false, without quotes");
        row("0 is no flag", R"({"symmetric": 0})", "symmetric is 0, not true or false", "give true or false");
        row("misspelt choice", R"({"clip": "msse"})", "clip is \"msse\", not one of none, mse",
            "did you mean \"mse\"?");
        row("unknown choice", R"({"clip": "percentile"})", "clip is \"percentile\", not one of",
            "give one of none, mse");
        row("choice in capitals", R"({"clip": "MSE"})", "clip is \"MSE\", not one of", "give one of none, mse");
        row("not in the enum", R"({"width": 3})", "width is 3, not one of 1, 2, 4", "give one of 1, 2, 4");
        row("list of numbers", R"({"include": [1]})", "include is [1], not a list of texts", "give a list of texts");
        row("list of lists", R"({"include": [["a"]]})", "include is [[\"a\"]], not a list of texts", "give a list");
        row("item out of range", R"({"ranks": [1, 0]})", "ranks is [1,0], not a list of integers, each of at least 1",
            "give");
        row("misspelt name", R"({"group_sise": 32})", "quantization/demo has no parameter \"group_sise\"",
            "did you mean \"group_size\"?");
        row("unknown name", R"({"temperature": 1})", "has no parameter \"temperature\"", "known are: bits, group_size");
        row("list for parameters", "[1]", "quantization/demo: [1] are not parameters", "write {name: value, ...}");
        row("long value is cut",
            R"({"clip": "0123456789012345678901234567890123456789012345678901234567890123456789"})",
            "12345678..., not one of", "give");
    }
    void refuses()
    {
        QFETCH(std::string, given);
        QFETCH(std::string, message);
        QFETCH(std::string, hint);
        const auto resolved = resolveParameters(demo(), Json::parse(given));
        QVERIFY(!resolved.ok());
        const Error& error = resolved.error();
        QCOMPARE(error.code, ErrorCode::InvalidArgument);
        QVERIFY2(error.message.find(message) != std::string::npos, error.message.c_str());
        QVERIFY2(error.hint.find(hint) != std::string::npos, error.hint.c_str());
    }

    void refusesWhatIsNotFinite()
    {
        for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()})
            QVERIFY(!resolveParameters(demo(), {{"damping", value}}).ok());
    }

    void parameterWithoutDefaultMustBeGiven()
    {
        PluginManifest manifest = demo();
        manifest.parameters.push_back(parameter("checkpoint", ParameterType::Text, nullptr));
        const auto resolved = resolveParameters(manifest, Json::object());
        QVERIFY(!resolved.ok());
        QCOMPARE(resolved.error().sentence(),
                 std::string("quantization/demo: checkpoint has no default and is missing (give a text)"));
        QVERIFY(resolveParameters(manifest, {{"checkpoint", "x"}}).ok());
    }
};

QTEST_GUILESS_MAIN(TstParameters)
#include "tst_parameters.moc"
