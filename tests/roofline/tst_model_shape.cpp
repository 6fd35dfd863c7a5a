// SPDX-License-Identifier: Apache-2.0
#include "tests/roofline/sample_models.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

class TstModelShape : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Check 2: from config.json alone.
    void countsParameters_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<double>("parameters");
        const core::Json models = sampleModels();
        QCOMPARE(models.size(), std::size_t(10));
        for (const auto& [name, model] : models.items())
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name) << model.at("parameters").get<double>();
    }
    void countsParameters()
    {
        QFETCH(QString, name);
        QFETCH(double, parameters);
        const ModelShape shape = sampleModel(name.toUtf8().constData());
        QVERIFY2(shape.parameters() == parameters, qPrintable(QString::number(shape.parameters(), 'f', 0)));
    }

    /// Every family file gives a shape with as many parameters as the graph reads.
    void countsWhatTheGraphReads_data()
    {
        QTest::addColumn<QString>("config");
        const QDir models(QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models"));
        for (const QString& model : models.entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QTest::addRow("%s", qPrintable(model)) << models.filePath(model + QStringLiteral("/config.json"));
    }
    void countsWhatTheGraphReads()
    {
        QFETCH(QString, config);
        const core::Json json = core::Json::parse(orDie(core::readTextFile(config.toStdString())));
        const std::filesystem::path families = PARETOSCOPE_RESOURCES "/architectures";
        const core::Architecture architecture = orDie(core::describeArchitecture(json, families));
        const ModelShape shape = orDie(readModelShape(json, families));
        QCOMPARE(shape.parameters(), static_cast<double>(architecture.parameters()));
        QCOMPARE(shape.layers(), static_cast<int>(architecture.blocks.size()));
    }

    void collapsesEqualLayers()
    {
        QCOMPARE(sampleModel("Llama-2-70b").runs.size(), std::size_t(1));
        const ModelShape mixture = sampleModel("DeepSeek-V3");
        QCOMPARE(mixture.runs.size(), std::size_t(2));
        QCOMPARE(mixture.runs[0].layers, (std::vector<int> {0, 1, 2}));
        QCOMPARE(mixture.runs[1].layers.size(), std::size_t(58));
        QCOMPARE(mixture.layers(), 61);
    }

    void changedLayersStandApart()
    {
        ModelShape shape = sampleModel("Llama-2-7b");
        std::vector<LayerShape> layers = shape.expanded();
        QCOMPARE(layers.size(), std::size_t(32));
        std::get<MlpShape>(layers[5].sublayers[1].part).down.format = WeightFormat {.bits = 3};
        shape.setLayers(layers);
        QCOMPARE(shape.runs.size(), std::size_t(2));
        QCOMPARE(shape.runs[1].layers, (std::vector<int> {5}));
        QVERIFY(shape.expanded() == layers);
        QCOMPARE(shape.parameters(), 6738415616.0);
    }

    void readsTheTextPartOfAVisionModel()
    {
        const core::Json text = sampleModels().at("Qwen3-0.6B").at("config");
        const core::Json whole {
            {"model_type", "some_vision_model"}, {"text_config", text}, {"vision_config", {{"depth", 3}}}};
        const ModelShape shape = orDie(readModelShape(whole, PARETOSCOPE_RESOURCES "/architectures"));
        QCOMPARE(shape.parameters(), 596049920.0);
    }

    void readsDiffusionTransformers()
    {
        const core::Json config =
            core::Json::parse(R"({"depth": 28, "hidden_size": 1152, "patch_size": 2, "num_heads": 16})");
        const ModelShape shape = orDie(readModelShape(config, PARETOSCOPE_RESOURCES "/architectures"));
        QCOMPARE(shape.parameters(), 28.0 * (18 * 1152.0 * 1152 + 15 * 1152)); // weights and biases of the blocks
        QCOMPARE(shape.vocabulary, 0.0);
        QCOMPARE(shape.runs.size(), std::size_t(1));
    }

    void readsVisionTransformers()
    {
        const core::Json config =
            core::Json::parse(R"({"model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12,
            "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16})");
        const ModelShape shape = orDie(readModelShape(config, PARETOSCOPE_RESOURCES "/architectures"));
        QCOMPARE(shape.imageTokens, 196.0);
        // ViT-B/16 has 85,798,656 with 197 learned positions and a class token.
        QCOMPARE(shape.parameters(), 85798656.0 - 198 * 768);
    }

    void refusesImpossibleEncoders_data()
    {
        QTest::addColumn<QByteArray>("config");
        QTest::addColumn<QByteArray>("message");
        QTest::addRow("head size") << QByteArray(R"({"depth": 2, "hidden_size": 100, "num_heads": 16})")
                                   << QByteArray("the head size is not integral");
        QTest::addRow("no depth") << QByteArray(R"({"depth": 0, "hidden_size": 64, "num_heads": 16})")
                                  << QByteArray("depth: 0 is not possible");
        QTest::addRow("ratio") << QByteArray(R"({"depth": 2, "hidden_size": 64, "num_heads": 16, "mlp_ratio": -1})")
                               << QByteArray("mlp_ratio");
        QTest::addRow("patches") << QByteArray(R"({"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                "intermediate_size": 8, "image_size": 225, "patch_size": 16})")
                                 << QByteArray("is no multiple of patch_size");
    }
    void refusesImpossibleEncoders()
    {
        QFETCH(QByteArray, config);
        QFETCH(QByteArray, message);
        const auto shape =
            readModelShape(core::Json::parse(config.toStdString()), PARETOSCOPE_RESOURCES "/architectures");
        QVERIFY(!shape.ok());
        const std::string sentence = shape.error().sentence();
        QVERIFY2(sentence.find(message.toStdString()) != std::string::npos, sentence.c_str());
    }

    void refusesNonsense_data()
    {
        QTest::addColumn<QByteArray>("patch");
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* tag, const char* patch, const char* message) {
            QTest::addRow("%s", tag) << QByteArray(patch) << QByteArray(message);
        };
        row("unknown family", R"({"model_type": "mamba"})", "the model family \"mamba\" is not known");
        row("no family", R"({"model_type": null})", "states no model_type");
        row("zero", R"({"hidden_size": 0})", "hidden_size is 0");
        row("negative", R"({"num_hidden_layers": -1})", "num_hidden_layers");
        row("huge", R"({"vocab_size": 1e30})", "vocab_size");
        row("fraction of a head", R"({"num_attention_heads": 33, "num_key_value_heads": 33})", "hidden_size");
        row("missing", R"({"hidden_size": null})", "hidden_size");
        row("huge heads", R"({"hidden_size": 1073741824, "num_hidden_layers": 4096})",
            "a head size of 33554432 is more than 65536");
    }
    void refusesNonsense()
    {
        QFETCH(QByteArray, patch);
        QFETCH(QByteArray, message);
        core::Json config = sampleModels().at("Llama-2-7b").at("config");
        config.merge_patch(core::Json::parse(patch.toStdString()));
        const auto shape = readModelShape(config, PARETOSCOPE_RESOURCES "/architectures");
        QVERIFY(!shape.ok());
        const std::string sentence = shape.error().sentence();
        QVERIFY2(sentence.find(message.toStdString()) != std::string::npos, sentence.c_str());
    }

    /// Every dimension, of several families.
    void nonsenseIsNoShape_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("key");
        for (const char* key : {"hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
                                "num_hidden_layers", "vocab_size"})
            QTest::addRow("Llama-2-7b, %s", key) << QByteArray("Llama-2-7b") << QByteArray(key);
        for (const char* key : {"num_local_experts", "num_experts_per_tok"})
            QTest::addRow("Mixtral-8x7B, %s", key) << QByteArray("Mixtral-8x7B") << QByteArray(key);
        for (const char* key : {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"})
            QTest::addRow("DeepSeek-V2-Lite, %s", key) << QByteArray("DeepSeek-V2-Lite") << QByteArray(key);
    }
    void nonsenseIsNoShape()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, key);
        for (const char* value : {"0", "-1", "1e30", "0.5", "\"many\"", "[1]"}) {
            core::Json config = sampleModels().at(model.toStdString()).at("config");
            config[key.toStdString()] = core::Json::parse(value);
            QVERIFY2(!readModelShape(config, PARETOSCOPE_RESOURCES "/architectures").ok(), value);
        }
    }

    void countsStoredBits_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<double>("bits");
        const auto row = [](const char* name, double bits) { QTest::addRow("%s", name) << QByteArray(name) << bits; };
        row("bf16", 16);
        row("int4-g128", 4.125);
        row("int4-g128-zero4", 4.15625);
        row("int4-g128-zero16", 4.25);
        row("int8", 8 + 16.0 / 4096);
        row("nf4", 4.5);
        row("nf4-double", 4 + 8.125 / 64);
        row("mxfp4", 4.25);
        row("nvfp4", 4.5);
        row("q4_0", 4.5);
        row("q4_k", 4.5);
        row("q6_k", 6.5625);
        row("q8_0", 8.5);
    }
    void countsStoredBits()
    {
        QFETCH(QByteArray, name);
        QFETCH(double, bits);
        QCOMPARE(bitsPerWeight(orDie(namedWeightFormat(name.constData())), 4096, 4096), bits);
    }

    void countsSparseAndLowRankBits_data()
    {
        QTest::addColumn<double>("found");
        QTest::addColumn<double>("expected");
        const auto row = [](const char* tag, const WeightFormat& format, double expected) {
            QTest::addRow("%s", tag) << bitsPerWeight(format, 4096, 1024) << expected;
        };
        row("2:4 of fp16", {.bits = 16, .sparsity = {.kept = 2, .of = 4}}, 9);
        row("2:4 of int8", {.bits = 8, .sparsity = {.kept = 2, .of = 4}}, 5);
        row("2:4 of int4", {.bits = 4, .sparsity = {.kept = 2, .of = 4}}, 3);
        row("1:4 of fp16", {.bits = 16, .sparsity = {.kept = 1, .of = 4}}, (16 + 2) / 4.0);
        row("half of fp16 as bitmap", {.bits = 16, .sparsity = {.density = 0.5}}, 9);
        row("a hundredth by index", {.bits = 16, .sparsity = {.density = 0.01}}, 0.01 * 32 + 32.0 / 4096);
        row("nearly dense", {.bits = 4, .sparsity = {.density = 0.9}}, 4);
        row("activation order", {.bits = 4, .activationOrder = true}, 4 + 32.0 / 1024);
        row("one per cent outliers", {.bits = 4, .outlierDensity = 0.01}, 4 + 0.32);
        row("codebooks", {.codebooks = Codebooks {.books = 2, .entries = 256, .length = 8}},
            2.0 + 2 * 256 * 8 * 16 / (4096.0 * 1024));
        row("rank 64 in place", {.lowRank = LowRank {.rank = 64, .replaces = true}},
            16.0 * 64 * (4096 + 1024) / (4096.0 * 1024));
        row("rank 64 on top", {.bits = 4, .lowRank = LowRank {.rank = 64}},
            4 + 16.0 * 64 * (4096 + 1024) / (4096.0 * 1024));
        row("lossless coding", {.bits = 16, .compression = 0.7}, 11.2);
    }
    void countsSparseAndLowRankBits()
    {
        QFETCH(double, found);
        QFETCH(double, expected);
        QCOMPARE(found, expected);
    }

    void namesTheNearFormat()
    {
        const auto found = namedWeightFormat("int4-g12");
        QVERIFY(!found.ok());
        QVERIFY(found.error().hint.find("int4-g128") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstModelShape)
#include "tst_model_shape.moc"
