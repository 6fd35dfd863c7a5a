// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"

#include "tests/core/checkpoint/model_folder.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;
namespace fs = std::filesystem;

class TstResolveModel : public QObject
{
    Q_OBJECT

private:
    ModelFolder m_home;

    std::string at(std::string_view name) const { return (m_home / name).string(); }

private Q_SLOTS:
    void initTestCase()
    {
        for (const char* variable : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"})
            qunsetenv(variable);
        qputenv("HOME", QByteArray::fromStdString(m_home.path().string()));
        qputenv("PARETOSCOPE_MODELS", QByteArray::fromStdString(at("first") + "::" + at("second")));
        m_home.write("first/small/config.json", "{}");
        m_home.write("second/small/config.json", "{}");
        m_home.write("second/owner/inner/config.json", "{}");
        m_home.write("second/quantised.Q4_1.gguf", "x");
        m_home.write("second/one-file/weights.gguf", "x");
        m_home.write("second/parts/m-00001-of-00002.gguf", "x");
        m_home.write("second/parts/m-00002-of-00002.gguf", "x");
        m_home.write("second/many/a.gguf", "x");
        m_home.write("second/many/b.gguf", "x");
        m_home.write("second/words/tokenizer.json", "{}");
        m_home.write("second/words/extra.gguf", "x");
        const std::string cache = ".cache/huggingface/hub/";
        m_home.write(cache + "models--org--model/refs/main", "abc123\n");
        m_home.write(cache + "models--org--model/refs/v2", "def456");
        m_home.write(cache + "models--org--model/snapshots/abc123/config.json", "{}");
        m_home.write(cache + "models--org--model/snapshots/def456/config.json", "{}");
        m_home.write(cache + "models--org--model-GGUF/snapshots/fff/m.Q8_0.gguf", "x");
        m_home.write(cache + "models--org--evil/refs/main", "../../../../elsewhere");
        m_home.write(cache + "elsewhere/config.json", "{}");
        QVERIFY(QDir::setCurrent(QString::fromStdString(m_home.path().string())));
    }

    void finds_data()
    {
        QTest::addColumn<std::string>("model");
        QTest::addColumn<std::string>("expected"); // below the home folder
        const auto row = [](const char* tag, const std::string& model, const char* expected) {
            QTest::addRow("%s", tag) << model << std::string(expected);
        };
        const std::string snapshots = ".cache/huggingface/hub/models--org--model/snapshots/";
        row("absolute path", at("first/small"), "first/small");
        row("home", "~/first/small", "first/small");
        row("file of a folder", at("first/small/config.json"), "first/small");
        row("GGUF file", at("second/quantised.Q4_1.gguf"), "second/quantised.Q4_1.gguf");
        row("first folder wins", "small", "first/small");
        row("owner and name", "owner/inner", "second/owner/inner");
        row("GGUF by name", "quantised.Q4_1.gguf", "second/quantised.Q4_1.gguf");
        row("GGUF without its ending", "quantised.Q4_1", "second/quantised.Q4_1.gguf");
        row("folder with one GGUF", "one-file", "second/one-file/weights.gguf");
        row("folder with a split GGUF", "parts", "second/parts/m-00001-of-00002.gguf");
        row("tokenizer folder", "words", "second/words");
        row("hub cache", "org/model", (snapshots + "abc123").c_str());
        row("hub cache, branch", "org/model@v2", (snapshots + "def456").c_str());
        row("hub cache, commit", "org/model@def456", (snapshots + "def456").c_str());
        row("hub cache, GGUF without reference", "org/model-GGUF",
            ".cache/huggingface/hub/models--org--model-GGUF/snapshots/fff/m.Q8_0.gguf");
        row("hub cache, file", "org/model-GGUF/m.Q8_0.gguf",
            ".cache/huggingface/hub/models--org--model-GGUF/snapshots/fff/m.Q8_0.gguf");
        row("repository of the cache by path", at(".cache/huggingface/hub/models--org--model"),
            (snapshots + "abc123").c_str());
    }
    void finds()
    {
        QFETCH(std::string, model);
        QFETCH(std::string, expected);
        const auto found = resolveModel(model);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(found.value().string(), at(expected));
    }

    void relativePathsStayRelative()
    {
        QCOMPARE(resolveModel("first/small").value().string(), std::string("first/small"));
        QVERIFY(QDir::setCurrent(QString::fromStdString(at("first/small"))));
        QCOMPARE(resolveModel("config.json").value().string(), std::string("."));
        QVERIFY(QDir::setCurrent(QString::fromStdString(m_home.path().string())));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("model");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const std::string& model, const char* fragment) {
            QTest::addRow("%s", tag) << model << std::string(fragment);
        };
        row("empty", "", "is empty");
        row("misspelt name", "smal", "did you mean \"small\"?");
        row("misspelt hub name", "org/modell", "did you mean \"org/model\"?");
        row("other owner", "another-organisation/inner", "did you mean \"owner/inner\"?");
        row("misspelt file", at("second/quantised.Q4_0.gguf"), "did you mean \"quantised.Q4_1.gguf\"?");
        row("misspelt relative path", "first/smoll", "did you mean \"first/small\"?");
        row("folder that does not exist", "/nowhere/model", "/nowhere does not exist either");
        row("nothing near", "zzzzzzzzzzzzzzzz", "known are: ");
        row("unknown revision", "org/model@v3", "neither an existing path nor");
        row("several GGUF files", "many", "2 GGUF models");
        row("way out of the folders", "../../etc/model", "does not exist");
        row("reference that leads elsewhere", "org/evil", "neither an existing path nor");
        row("parent folder as a part", "org/..", "does not exist");
        row("four parts", "a/b/c/d", "does not exist");
    }
    void refuses()
    {
        QFETCH(std::string, model);
        QFETCH(std::string, fragment);
        const auto found = resolveModel(model);
        QVERIFY2(!found.ok(), found.ok() ? found.value().c_str() : "");
        const std::string sentence = found.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos && !found.error().hint.empty(), sentence.c_str());
    }
};

QTEST_GUILESS_MAIN(TstResolveModel)
#include "tst_resolve_model.moc"
