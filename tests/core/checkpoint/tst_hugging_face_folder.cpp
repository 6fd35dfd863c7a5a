// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"

#include "tests/core/checkpoint/gguf_builder.h"
#include "tests/core/checkpoint/model_folder.h"
#include "tests/core/checkpoint/safetensors_text.h"

#include <QtTest>

#include <functional>
#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;
namespace fs = std::filesystem;

namespace {

constexpr char kConfig[] = R"({"model_type":"llama"})";
constexpr char kIndex[] = "model.safetensors.index.json";

/// One F32 tensor of one element.
std::string shard(const std::string& tensor, float value)
{
    return safetensorsOf("{\"" + tensor + "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                         bytesOf(value));
}

/// Two shards and their index.
void writeSharded(const ModelFolder& folder)
{
    folder.write("config.json", kConfig);
    folder.write("model-00001-of-00002.safetensors", shard("a", 1));
    folder.write("model-00002-of-00002.safetensors", shard("b", 2));
    folder.write(kIndex, R"({"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
                         R"("b":"model-00002-of-00002.safetensors"}})");
}

using Prepare = std::function<void(const ModelFolder&)>;

} // namespace

Q_DECLARE_METATYPE(Prepare)

class TstHuggingFaceFolder : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsTheBundledModel()
    {
        const auto opened = openCheckpoint(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const Checkpoint& checkpoint = *opened.value();
        QCOMPARE(checkpoint.format(), std::string_view("safetensors"));
        QCOMPARE(checkpoint.config().at("model_type"), "llama");
        QCOMPARE(checkpoint.tensors().size(), std::size_t(38)); // 4 blocks of 9, embedding, final norm
        std::int64_t parameters = 0;
        for (const TensorInfo& tensor : checkpoint.tensors())
            parameters += tensor.elements();
        QCOMPARE(parameters, std::int64_t(1311872));
        QCOMPARE(checkpoint.storedBytes().value, 2 * parameters); // bfloat16
        const TensorInfo* gate = checkpoint.find("model.layers.3.mlp.gate_proj.weight");
        QVERIFY(gate);
        QCOMPARE(gate->shape, (std::vector<std::int64_t> {384, 128}));
        QCOMPARE(gate->type, ElementType::BF16);
        QVERIFY(!checkpoint.find("lm_head.weight"));
        QCOMPARE(checkpoint.files().size(), std::size_t(2));

        std::vector<float> values(384 * 128);
        QVERIFY(checkpoint.readFloat32(gate->name, values).ok());
        const auto raw = checkpoint.rawBytes(gate->name);
        std::uint16_t last = 0;
        std::memcpy(&last, raw.value().data() + raw.value().size() - 2, 2);
        QCOMPARE(std::bit_cast<std::uint32_t>(values.back()), std::uint32_t(last) << 16);
        checkpoint.releasePages(gate->name);
        checkpoint.releasePages("no such tensor");
        std::vector<float> again(values.size());
        QVERIFY(checkpoint.readFloat32(gate->name, again).ok()); // released pages come back
        QCOMPARE(again, values);
        QCOMPARE(checkpoint.readFloat32("x", values).error().code, ErrorCode::NotFound);
        QCOMPARE(checkpoint.rawBytes("x").error().code, ErrorCode::NotFound);
        QCOMPARE(checkpoint.readFloat32("model.norm.weight", values).error().code, ErrorCode::InvalidArgument);
    }

    void readsEveryReferenceModel_data()
    {
        QTest::addColumn<QString>("folder");
        const QDir models(QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models"));
        for (const QString& name : models.entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QTest::addRow("%s", qPrintable(name)) << models.filePath(name);
    }
    void readsEveryReferenceModel()
    {
        QFETCH(QString, folder);
        const auto opened = openCheckpoint(folder.toStdString());
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QVERIFY2(opened.value()->warnings().empty(), folder.toUtf8().constData());
        for (const TensorInfo& tensor : opened.value()->tensors()) {
            std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
            const Status read = opened.value()->readFloat32(tensor.name, values);
            QVERIFY(read.ok() != (tensor.type == ElementType::Bool || tensor.type == ElementType::U8));
        }
    }

    void readsShards()
    {
        const ModelFolder folder;
        writeSharded(folder);
        folder.write("model.safetensors", "not looked at, since there is an index");
        const auto opened = openCheckpoint(folder.path());
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QVERIFY(opened.value()->warnings().empty());
        std::vector<float> value(1);
        QVERIFY(opened.value()->readFloat32("b", value).ok());
        QCOMPARE(value[0], 2.0F);
        QCOMPARE(opened.value()->files().size(), std::size_t(4));
        QCOMPARE(opened.value()->files()[1].filename().string(), std::string(kIndex));
    }

    void oddIndexesAreMentioned()
    {
        const ModelFolder folder;
        writeSharded(folder);
        folder.write(kIndex, R"({"metadata":{"total_size":9},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
                             R"("b":"model-00002-of-00002.safetensors"}})");
        folder.write("model-00002-of-00002.safetensors",
                     safetensorsOf(R"({"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                   R"("extra":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})",
                                   "12345"));
        const auto opened = openCheckpoint(folder.path());
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QVERIFY(opened.value()->find("extra"));
        QCOMPARE(opened.value()->warnings().size(), std::size_t(1)); // 9 bytes are right by chance
        QVERIFY(opened.value()->warnings()[0].starts_with("the shards hold 3 tensors"));
    }

    void linksInsideTheHubCacheAreFollowed()
    {
        const ModelFolder cache;
        cache.write("models--o--n/blobs/1", shard("a", 1));
        cache.write("models--o--n/snapshots/abc/config.json", kConfig);
        cache.write("models--o--n/snapshots/abc/model.safetensors.index.json",
                    R"({"weight_map":{"a":"s.safetensors"}})");
        fs::create_symlink("../../blobs/1", cache / "models--o--n/snapshots/abc/s.safetensors");
        const auto opened = openCheckpoint(cache / "models--o--n/snapshots/abc");
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
    }

    void refuses_data()
    {
        QTest::addColumn<Prepare>("prepare");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const char* fragment, Prepare prepare) {
            QTest::addRow("%s", tag) << std::move(prepare) << std::string(fragment);
        };
        row("empty folder", "no model folder", [](const ModelFolder&) {});
        row("config only", "no weights", [](const ModelFolder& f) { f.write("config.json", kConfig); });
        row("weights only", "no config.json",
            [](const ModelFolder& f) { f.write("model.safetensors", shard("a", 1)); });
        row("pickle", "pickle checkpoints can run code", [](const ModelFolder& f) {
            f.write("config.json", kConfig);
            f.write("pytorch_model-00001-of-00002.bin", "x");
        });
        row("original Llama weights", "pickle checkpoints can run code",
            [](const ModelFolder& f) { f.write("consolidated.00.pth", "x"); });
        row("pickle renamed", "pickle checkpoints can run code", [](const ModelFolder& f) {
            f.write("config.json", kConfig);
            f.write("model.safetensors", std::string("PK\x03\x04") + std::string(26, 'x') + "model/data.pkl");
        });
        row("adapter", "adapter", [](const ModelFolder& f) { f.write("adapter_model.safetensors", "x"); });
        row("GGUF in a folder", "holds GGUF files", [](const ModelFolder& f) { f.write("x.gguf", "x"); });
        row("shards without index", "no model.safetensors.index.json",
            [](const ModelFolder& f) { f.write("model-00001-of-00002.safetensors", "x"); });
        row("other name", "no model.safetensors", [](const ModelFolder& f) { f.write("weights.safetensors", "x"); });
        row("git-LFS pointer", "git-LFS pointer", [](const ModelFolder& f) {
            f.write("config.json", kConfig);
            f.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n");
        });
        row("dangling link", "link to a file that does not exist", [](const ModelFolder& f) {
            f.write("config.json", kConfig);
            fs::create_symlink("../blobs/missing", f / "model.safetensors");
        });
        row("truncated weights", "bytes follow it", [](const ModelFolder& f) {
            f.write("config.json", kConfig);
            f.write("model.safetensors", shard("a", 1).substr(0, shard("a", 1).size() - 1));
        });
        row("config is no JSON", "config.json is not valid JSON", [](const ModelFolder& f) {
            f.write("config.json", "{");
            f.write("model.safetensors", shard("a", 1));
        });
        row("config is a list", "no JSON object", [](const ModelFolder& f) {
            f.write("config.json", "[]");
            f.write("model.safetensors", shard("a", 1));
        });
        const auto withIndex = [&](const char* tag, const char* fragment, const char* index) {
            row(tag, fragment, [index](const ModelFolder& f) {
                writeSharded(f);
                f.write("outside.safetensors", shard("a", 1));
                f.write(kIndex, index);
            });
        };
        withIndex("index without map", "weight_map is missing", "{}");
        withIndex("empty map", "weight_map is missing", R"({"weight_map":{}})");
        withIndex("index is a list", "weight_map is missing", "[]");
        withIndex("shard is a number", "is no string", R"({"weight_map":{"a":1}})");
        withIndex("path in a shard name", "no plain file name", R"({"weight_map":{"a":"x/y.safetensors"}})");
        withIndex("parent folder", "no plain file name", R"({"weight_map":{"a":"../y.safetensors"}})");
        withIndex("absolute path", "no plain file name", R"({"weight_map":{"a":"/etc/y.safetensors"}})");
        withIndex("backslash", "no plain file name", R"({"weight_map":{"a":"x\\y.safetensors"}})");
        withIndex("shard is a pickle", "no .safetensors file", R"({"weight_map":{"a":"pytorch_model.bin"}})");
        withIndex("absent shard", "names shard c.safetensors, which is not", R"({"weight_map":{"a":"c.safetensors"}})");
        withIndex("tensor not in its shard", "places tensor \"c\" in",
                  R"({"weight_map":{"c":"model-00001-of-00002.safetensors"}})");
        withIndex("tensor in another shard", "places tensor \"b\" in",
                  R"({"weight_map":{"b":"model-00001-of-00002.safetensors","x":"model-00002-of-00002.safetensors"}})");
        withIndex("tensor in two shards", "is in both",
                  R"({"weight_map":{"a":"model-00001-of-00002.safetensors","b":"outside.safetensors"}})");
        withIndex("tensor named twice", "duplicate key",
                  R"({"weight_map":{"a":"outside.safetensors","a":"outside.safetensors"}})");
        row("index is a git-LFS pointer", "git-LFS pointer", [](const ModelFolder& f) {
            writeSharded(f);
            f.write(kIndex, "version https://git-lfs.github.com/spec/v1\n");
        });
        row("link that leaves the folder", "link that leaves its folder", [](const ModelFolder& f) {
            f.write("secret.safetensors", shard("a", 1));
            f.write("model/config.json", kConfig);
            f.write(std::string("model/") + kIndex, R"({"weight_map":{"a":"s.safetensors"}})");
            fs::create_symlink("../secret.safetensors", f / "model/s.safetensors");
        });
    }
    void refuses()
    {
        QFETCH(Prepare, prepare);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        prepare(folder);
        const fs::path inner = folder / "model";
        const auto opened = openCheckpoint(fs::exists(inner) ? inner : folder.path());
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos, sentence.c_str());
        QVERIFY2(!opened.error().hint.empty() && sentence.find(folder.path().string()) != std::string::npos,
                 sentence.c_str());
    }

    void refusesSingleFiles_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("content");
        QTest::addColumn<std::string>("fragment");
        QTest::addRow("weights of a folder")
            << std::string("model.safetensors") << shard("a", 1) << std::string("give the folder");
        QTest::addRow("pickle") << std::string("model.pt") << std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c")
                                << std::string("pickle");
        QTest::addRow("GGUF that is a pointer")
            << std::string("m.gguf") << std::string("version https://git-lfs.github.com/spec/v1\n")
            << std::string("git-LFS");
        QTest::addRow("GGUF that is something else")
            << std::string("m.gguf") << std::string("GGML") << std::string("not a GGUF file");
        QTest::addRow("text") << std::string("readme.txt") << std::string("hello")
                              << std::string("neither a GGUF file");
        QTest::addRow("empty") << std::string("m.bin") << std::string() << std::string("neither a GGUF file");
    }
    void refusesSingleFiles()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, content);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        const auto opened = openCheckpoint(folder.write(name, content));
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos, sentence.c_str());
        QCOMPARE(openCheckpoint(folder / "absent").error().code, ErrorCode::NotFound);
    }

    void digestCoversNamesAndContents()
    {
        const ModelFolder folder;
        folder.write("config.json", kConfig);
        folder.write("model.safetensors", shard("a", 1));
        const auto digest = [&] { return modelDigest(*openCheckpoint(folder.path()).value()).value().hex(); };
        const std::string first = digest();
        QCOMPARE(first.size(), std::size_t(64));
        folder.write("tokenizer.json", "{}"); // no part of the model
        QCOMPARE(digest(), first);
        folder.write("model.safetensors", shard("a", 2));
        const std::string changed = digest();
        QVERIFY(changed != first);
        folder.write("config.json", std::string(kConfig) + " ");
        QVERIFY(digest() != changed);
        const auto opened = openCheckpoint(folder.path());
        fs::remove(folder / "model.safetensors");
        QCOMPARE(modelDigest(*opened.value()).error().code, ErrorCode::Io);
    }
};

QTEST_GUILESS_MAIN(TstHuggingFaceFolder)
#include "tst_hugging_face_folder.moc"
