// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"
#include "core/plugin/manifest.h"

#include <QTemporaryDir>
#include <QtTest>

#include <filesystem>
#include <string>

using namespace paretoscope::core;

namespace {

constexpr const char* kComplete = R"({
  "id": "quantization/demo", "name": "Demo", "version": "1.2", "kind": "stage", "summary": "Does things.",
  "papers": [{"title": "T", "authors": "A, B", "year": 2023, "url": "doi:x"}],
  "applies_to": {"workloads": ["causal-lm"], "tensors": ["linear"]},
  "needs": {"calibration": true, "statistics": ["hessian"], "gradients": false, "services": {"replay": 1}},
  "produces": ["compressed_tensor"],
  "parameters": [
    {"name": "bits", "type": "integer", "default": 4, "minimum": 2, "maximum": 8, "unit": "bit", "doc": "Width."},
    {"name": "group_size", "type": "integer", "default": -1, "minimum": 8, "special": [-1], "doc": "Group."},
    {"name": "damping", "type": "number", "default": 0.01, "exclusiveMinimum": 0, "maximum": 1, "doc": "Damping."},
    {"name": "symmetric", "type": "boolean", "default": false, "doc": "Symmetric."},
    {"name": "clip", "type": "string", "default": "none", "enum": ["none", "mse"], "doc": "Clip."},
    {"name": "tag", "type": "string", "doc": "Tag.", "cut": true},
    {"name": "include", "type": "array", "default": [], "doc": "Layers."},
    {"name": "ranks", "type": "array", "items": "integer", "minimum": 1, "default": [1, 2], "doc": "Ranks."}
  ],
  "cost_hint": {"time": "short", "memory": "little"}
})";

} // namespace

class TstManifest : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path written(std::string_view text)
    {
        const std::filesystem::path file = std::filesystem::path(m_folder.path().toStdString()) / "manifest.json";
        if (!writeFileAtomically(file, text).ok())
            qFatal("cannot write the manifest");
        return file;
    }

private Q_SLOTS:
    void readsEveryKey()
    {
        const auto read = readManifest(written(kComplete));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const PluginManifest& manifest = read.value();
        QCOMPARE(manifest.id, std::string("quantization/demo"));
        QCOMPARE(manifest.alias(), std::string("demo"));
        QCOMPARE(manifest.version, std::string("1.2"));
        QCOMPARE(manifest.kind, PluginKind::Stage);
        QCOMPARE(manifest.papers.size(), std::size_t(1));
        QCOMPARE(manifest.papers[0].year, 2023);
        QVERIFY(manifest.needsCalibration());
        QCOMPARE(
            manifest.needs.dump(),
            std::string(R"({"calibration":true,"gradients":false,"services":{"replay":1},"statistics":["hessian"]})"));
        QCOMPARE(manifest.appliesTo.dump(), std::string(R"({"tensors":["linear"],"workloads":["causal-lm"]})"));
        QCOMPARE(manifest.produces.dump(), std::string(R"(["compressed_tensor"])"));
        QCOMPARE(manifest.digest, sha256(kComplete));
        QCOMPARE(manifest.folder, std::filesystem::path(m_folder.path().toStdString()));

        QCOMPARE(manifest.parameters.size(), std::size_t(8));
        QCOMPARE(manifest.parameters[0].name, std::string("bits")); // order of the file
        QCOMPARE(manifest.parameter("clip")->type, ParameterType::Choice);
        QCOMPARE(manifest.parameter("tag")->type, ParameterType::Text);
        QVERIFY(manifest.parameter("tag")->defaultValue.is_null());
        QVERIFY(manifest.parameter("tag")->cut);
        QVERIFY(manifest.parameter("damping")->minimumExcluded);
        QCOMPARE(manifest.parameter("ranks")->itemType, ParameterType::Integer);
        QCOMPARE(manifest.parameter("nothing"), nullptr);
    }

    void fillsInWhatIsOptional()
    {
        const auto read =
            readManifest(written(R"({"id":"a/b","name":"B","version":"1","kind":"search","summary":"S"})"));
        QVERIFY(read.ok());
        QVERIFY(!read.value().needsCalibration());
        QCOMPARE(read.value().needs["statistics"].size(), std::size_t(0));
        QVERIFY(read.value().parameters.empty());
    }

    void saysWhatAParameterTakes_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("range and unit") << std::string("bits") << std::string("an integer from 2 to 8 bit");
        QTest::addRow("special") << std::string("group_size") << std::string("an integer of at least 8, or -1");
        QTest::addRow("open end") << std::string("damping") << std::string("a number above 0 and at most 1");
        QTest::addRow("boolean") << std::string("symmetric") << std::string("true or false");
        QTest::addRow("choice") << std::string("clip") << std::string("one of none, mse");
        QTest::addRow("text") << std::string("tag") << std::string("a text");
        QTest::addRow("list") << std::string("include") << std::string("a list of texts");
        QTest::addRow("list of integers")
            << std::string("ranks") << std::string("a list of integers, each of at least 1");
    }
    void saysWhatAParameterTakes()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, expected);
        const auto read = readManifest(written(kComplete));
        QVERIFY(read.ok());
        QCOMPARE(read.value().parameter(name)->allowedText(), expected);
    }

    void refuses_data()
    {
        QTest::addColumn<QString>("pointer");  // what is replaced in the complete manifest
        QTest::addColumn<QString>("value");    // by this JSON; empty: removed
        QTest::addColumn<QString>("expected"); // in message and hint
        const auto row = [](const char* tag, const char* pointer, const char* value, const char* expected) {
            QTest::addRow("%s", tag) << QString::fromUtf8(pointer) << QString::fromUtf8(value)
                                     << QString::fromUtf8(expected);
        };
        row("unknown key", "/sumary", "1", "unknown key \"sumary\" (did you mean \"summary\"?)");
        row("no id", "/id", "", "id: is missing");
        row("id of one part", "/id", "\"demo\"", "id: \"demo\" is not family/method");
        row("id in capitals", "/id", "\"Q/demo\"", "id: \"Q/demo\" is not");
        row("id leaves its folder", "/id", "\"../x\"", "id: \"../x\" is not");
        row("id of three parts", "/id", "\"a/b/c\"", "id: \"a/b/c\" is not");
        row("no name", "/name", "", "name: is missing");
        row("empty name", "/name", "\"\"", "name: is empty");
        row("name is a number", "/name", "4", "name: 4 is not a text");
        row("no version", "/version", "", "version: is missing");
        row("version in words", "/version", "\"new\"", "version: \"new\" is not one to three numbers");
        row("version of four parts", "/version", "\"1.2.3.4\"", "version: \"1.2.3.4\" is not");
        row("version ends in a dot", "/version", "\"1.\"", "version: \"1.\" is not");
        row("unknown kind", "/kind", "\"stge\"", "kind: \"stge\" is not known (did you mean \"stage\"?)");
        row("no summary", "/summary", "", "summary: is missing");
        row("papers is an object", "/papers", "{}", "papers: {} is not a list");
        row("paper without title", "/papers/0/title", "", "papers[0]: title: is missing");
        row("paper without authors", "/papers/0/authors", "", "papers[0]: authors: is missing");
        row("year is a text", "/papers/0/year", "\"2023\"", "papers[0]: year: \"2023\" is not an integer");
        row("paper with an unknown key", "/papers/0/doi", "\"x\"", "papers[0]: unknown key \"doi\"");
        row("applies_to is a list", "/applies_to", "[]", "applies_to: [] is not an object");
        row("unknown key in applies_to", "/applies_to/tensor", "[]", "applies_to: unknown key \"tensor\"");
        row("workloads is a text", "/applies_to/workloads", "\"causal-lm\"", "is not a list of texts");
        row("needs is a text", "/needs", "\"all\"", "needs: \"all\" is not an object");
        row("calibration is a text", "/needs/calibration", "\"yes\"",
            "needs: calibration: \"yes\" is not true or false");
        row("statistics hold a number", "/needs/statistics", "[1]", "needs: statistics: [1] is not a list of texts");
        row("unknown need", "/needs/data", "true", "needs: unknown key \"data\"");
        row("service version is a text", "/needs/services/replay", "\"1\"", "needs.services: replay: \"1\" is not");
        row("services is a list", "/needs/services", "[]", "needs.services: [] is not an object");
        row("produces is a text", "/produces", "\"codes\"", "produces: \"codes\" is not a list of texts");
        row("cost hint is a number", "/cost_hint/time", "3", "cost_hint: time: 3 is not a text");
        row("unknown cost hint", "/cost_hint/tme", "\"x\"", "cost_hint: unknown key \"tme\"");
        row("parameters is an object", "/parameters", "{}", "parameters: {} is not a list");
        row("parameter is a text", "/parameters/0", "\"bits\"", "parameters[0]: \"bits\" is not an object");
        row("parameter without name", "/parameters/0/name", "", "parameters[0]: name: is missing");
        row("parameter name in capitals", "/parameters/0/name", "\"Bits\"", "name: \"Bits\" is not lower-case");
        row("parameter twice", "/parameters/1/name", "\"bits\"", "parameters[1]: name: \"bits\" stands there twice");
        row("parameter without type", "/parameters/0/type", "", "type: is missing");
        row("unknown type", "/parameters/0/type", "\"int\"", "type: \"int\" is not known (known are: integer");
        row("parameter without doc", "/parameters/0/doc", "", "parameters[0]: doc: is missing");
        row("unknown key in a parameter", "/parameters/0/minimun", "2",
            "unknown key \"minimun\" (did you mean \"minimum\"?)");
        row("minimum is a text", "/parameters/0/minimum", "\"2\"", "minimum: \"2\" is not a number");
        row("minimum above maximum", "/parameters/0/minimum", "9", "minimum: 9.0 is above maximum 8.0");
        row("two minima", "/parameters/2/minimum", "0", "exclusiveMinimum: stands beside minimum");
        row("range of a text", "/parameters/5/maximum", "3", "maximum: is for numbers only");
        row("special is a number", "/parameters/1/special", "-1", "special: -1 is not a list");
        row("items of an integer", "/parameters/0/items", "\"string\"", "items: is for arrays only");
        row("items of lists", "/parameters/6/items", "\"array\"", "items: \"array\" is not integer, number or string");
        row("empty enum", "/parameters/4/enum", "[]", "enum: [] is not a list of values");
        row("enum of another type", "/parameters/4/enum", "[1]", "enum: 1 is not a text");
        row("enum value twice", "/parameters/4/enum", "[\"none\",\"none\"]", "enum: \"none\" stands there twice");
        row("default out of range", "/parameters/0/default", "9", "default: 9 is not an integer from 2 to 8 bit");
        row("default of another type", "/parameters/3/default", "0", "default: 0 is not true or false");
        row("default not in enum", "/parameters/4/default", "\"max\"", "default: \"max\" is not one of none, mse");
        row("default list of another type", "/parameters/7/default", "[0]", "default: [0] is not a list of integers");
        row("names a file of an integer", "/parameters/0/names", "\"file\"",
            "names: \"file\" is not \"model\" of a string or \"file\" of an array of strings");
        row("names a model of a list", "/parameters/6/names", "\"model\"", "names: \"model\" is not");
        row("cut is a number", "/parameters/0/cut", "1", "cut: 1 is not true or false");
    }
    void refuses()
    {
        QFETCH(QString, pointer);
        QFETCH(QString, value);
        QFETCH(QString, expected);
        Json manifest = Json::parse(kComplete);
        const Json::json_pointer where(pointer.toStdString());
        if (value.isEmpty())
            manifest[where.parent_pointer()].erase(where.back());
        else
            manifest[where] = Json::parse(value.toStdString());
        const std::filesystem::path file = written(manifest.dump());
        const auto read = readManifest(file);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::Corrupt);
        const std::string sentence = read.error().sentence();
        QVERIFY2(sentence.find(expected.toStdString()) != std::string::npos, sentence.c_str());
        QVERIFY2(sentence.rfind(file.string(), 0) == 0, sentence.c_str());
    }

    void refusesWhatIsNoJson()
    {
        const auto read = readManifest(written("{\"id\": "));
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::Corrupt);
        QCOMPARE(readManifest(written("[]")).error().code, ErrorCode::Corrupt);
        QCOMPARE(readManifest("/nowhere/manifest.json").error().code, ErrorCode::NotFound);
        QCOMPARE(readManifest(written(std::string(2 << 20, ' '))).error().code, ErrorCode::Unsupported);
    }

    void shippedManifestsAreComplete_data()
    {
        QTest::addColumn<std::string>("id");
        QTest::addColumn<bool>("calibrated");
        QTest::addRow("rtn") << std::string("quantization/rtn") << false;
        QTest::addRow("gptq") << std::string("quantization/gptq") << true;
    }
    void shippedManifestsAreComplete()
    {
        QFETCH(std::string, id);
        QFETCH(bool, calibrated);
        const auto read = readManifest(std::filesystem::path(PARETOSCOPE_PLUGIN_SOURCES) / id / "manifest.json");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const PluginManifest& manifest = read.value();
        QCOMPARE(manifest.id, id);
        QCOMPARE(manifest.needsCalibration(), calibrated);
        QVERIFY(!manifest.papers.empty());
        for (const ParameterSpec& parameter : manifest.parameters) {
            QVERIFY2(!parameter.defaultValue.is_null(), parameter.name.c_str());
            QVERIFY2(parameter.doc.back() == '.', parameter.name.c_str());
        }
        // The names that plugins share, and the defaults of the literature.
        QCOMPARE(manifest.parameter("bits")->defaultValue, Json(4));
        QCOMPARE(manifest.parameter("group_size")->defaultValue, Json(128));
        QCOMPARE(manifest.parameter("symmetric")->defaultValue, Json(false));
        QCOMPARE(manifest.parameter("propagate") != nullptr, calibrated); // of every calibrated stage
        QVERIFY(resolveParameters(manifest, Json::object()).ok());
        QVERIFY(resolveParameters(manifest, {{"bits", 3}, {"group_size", -1}}).ok());
    }
};

QTEST_GUILESS_MAIN(TstManifest)
#include "tst_manifest.moc"
