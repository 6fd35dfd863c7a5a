// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_architecture.h"
#include "core/checkpoint/gguf_family.h"
#include "core/checkpoint/gguf_file.h"
#include "core/checkpoint/gguf_writer.h"
#include "tests/core/checkpoint/gguf_builder.h"

#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

using namespace paretoscope::core;
using paretoscope::test::bytesOf;
using paretoscope::test::GgufBuilder;

namespace {

std::span<const std::byte> asBytes(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

Json llamaConfig()
{
    return {{"model_type", "llama"},
            {"max_position_embeddings", 64},
            {"hidden_size", 32},
            {"num_hidden_layers", 1},
            {"intermediate_size", 64},
            {"num_attention_heads", 4},
            {"num_key_value_heads", 2},
            {"rms_norm_eps", 1e-5},
            {"rope_theta", 10000.0},
            {"vocab_size", 8},
            {"head_dim", 16},
            {"hidden_act", "silu"},
            {"tie_word_embeddings", true},
            {"rope_scaling", nullptr}};
}

} // namespace

class TstGgufWriter : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void whatIsWrittenReadsBack()
    {
        GgufEntries entries;
        entries.setText("general.architecture", "none");
        entries.setInteger("count", 3);
        entries.setNumber("ratio", 0.5F);
        entries.setInteger("count", 7); // replaces
        entries.setText("gone", "");
        entries.remove("gone");
        const std::string q80 = bytesOf<std::uint16_t>(0x3c00) + std::string(32, '\x05'); // scale 1, codes 5
        auto writer = GgufWriter::create(file(), entries,
                                         {{"odd", ElementType::F32, {3}},
                                          {"rounded", ElementType::BF16, {2, 2}},
                                          {"blocks", ElementType::Q8_0, {2, 32}}});
        QVERIFY2(writer.ok(), writer.ok() ? "" : writer.error().sentence().c_str());
        QVERIFY(writer.value().append("blocks", asBytes(q80)).ok()); // in pieces, and in any order
        QVERIFY(writer.value().appendFloat32("rounded", std::vector {1.0F, -2.0F, 0.0F, 1.00390625F}).ok());
        QVERIFY(writer.value().append("blocks", asBytes(q80)).ok());
        QVERIFY(writer.value().appendFloat32("odd", std::vector {1.0F, 2.0F, 3.0F}).ok());
        QVERIFY(!std::filesystem::exists(file()));
        QVERIFY(writer.value().finish().ok());

        const auto read = GgufFile::open(file());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const GgufMetadata& metadata = read.value().metadata();
        QCOMPARE(metadata.keys(), (std::vector<std::string> {"general.architecture", "count", "ratio"}));
        QCOMPARE(metadata.integer("count").value(), std::int64_t(7));
        QCOMPARE(metadata.number("ratio").value(), 0.5);
        QCOMPARE(read.value().tensors().size(), 3u);
        const GgufTensor& blocks = *read.value().find("blocks");
        QCOMPARE(blocks.dims, (std::vector<std::int64_t> {32, 2}));
        QCOMPARE(QByteArray(reinterpret_cast<const char*>(blocks.data.data()), int(blocks.data.size())),
                 QByteArray::fromStdString(q80 + q80));
        const GgufTensor& rounded = *read.value().find("rounded");
        const std::string expected = bytesOf(std::vector<std::uint16_t> {0x3f80, 0xc000, 0, 0x3f80}); // tie to even
        QCOMPARE(QByteArray(reinterpret_cast<const char*>(rounded.data.data()), int(rounded.data.size())),
                 QByteArray::fromStdString(expected));
    }

    void entriesOfAnotherFileStayAsTheyAre()
    {
        GgufBuilder original;
        original.string("general.architecture", "llama")
            .u32("llama.block_count", 2)
            .strings("tokenizer.ggml.tokens", {"<s>", "a", ""})
            .array("tokenizer.ggml.scores", GgufValueType::F32, 2, bytesOf(std::vector {-1.0F, 2.5F}))
            .entry("flag", GgufValueType::Bool, bytesOf<std::uint8_t>(1));
        const std::string bytes = original.bytes();
        const auto read = GgufFile::parse(asBytes(bytes), "original");
        QVERIFY(read.ok());
        auto writer = GgufWriter::create(file(), GgufEntries::copyOf(read.value().metadata()), {});
        QVERIFY(writer.ok());
        QVERIFY(writer.value().finish().ok());
        std::ifstream written(file(), std::ios::binary);
        const std::string again {std::istreambuf_iterator<char>(written), {}};
        QVERIFY(again.starts_with(bytes)); // then padding
    }

    void whatGgufCannotHoldIsRefused_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("type");
        QTest::addColumn<QList<int>>("shape");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* tag, const char* name, ElementType type, const QList<int>& shape,
                            const char* says) { QTest::addRow("%s", tag) << name << int(type) << shape << says; };
        row("type", "w", ElementType::F8E4M3, {2, 2}, "GGUF does not have");
        row("name", "a.name.of.sixty.four.bytes.which.is.one.more.than.a.reader.takes", ElementType::F32, {2, 2},
            "64 bytes");
        row("no name", "", ElementType::F32, {2, 2}, "0 bytes");
        row("dimensions", "w", ElementType::F32, {1, 1, 1, 1, 1}, "5 dimensions");
        row("rows", "w", ElementType::Q4_0, {2, 48}, "do not fill blocks of 32");
        row("twice", "other", ElementType::F32, {2}, "occurs twice");
    }
    void whatGgufCannotHoldIsRefused()
    {
        QFETCH(QString, name);
        QFETCH(int, type);
        QFETCH(QList<int>, shape);
        QFETCH(QString, says);
        const auto writer = GgufWriter::create(
            file(), {},
            {{"other", ElementType::F32, {1}}, {name.toStdString(), ElementType(type), {shape.begin(), shape.end()}}});
        QVERIFY(!writer.ok());
        const std::string sentence = writer.error().sentence();
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
        QVERIFY(std::filesystem::is_empty(file().parent_path()));
    }

    void unfinishedTensorsAreNamed()
    {
        auto writer = GgufWriter::create(file(), {}, {{"w", ElementType::F32, {3}}});
        QVERIFY(writer.ok());
        QVERIFY(!writer.value().append("v", asBytes("1234")).ok());
        QVERIFY(!writer.value().append("w", asBytes(std::string(16, '0'))).ok());
        QVERIFY(writer.value().appendFloat32("w", std::vector {1.0F}).ok());
        const Status finished = writer.value().finish();
        QVERIFY(!finished.ok());
        QVERIFY2(finished.error().message.find("\"w\"") != std::string::npos, finished.error().message.c_str());
    }

    void namesGoBothWays_data()
    {
        QTest::addColumn<QString>("modelType");
        QTest::addColumn<QString>("huggingFace");
        QTest::addColumn<QString>("gguf");
        QTest::addColumn<int>("expert");
        const auto row = [](const char* modelType, const char* huggingFace, const char* gguf, int expert) {
            QTest::addRow("%s %s", modelType, huggingFace) << modelType << huggingFace << gguf << expert;
        };
        row("llama", "model.embed_tokens.weight", "token_embd.weight", 0);
        row("llama", "lm_head.weight", "output.weight", 0);
        row("llama", "model.layers.12.self_attn.q_proj.weight", "blk.12.attn_q.weight", 0);
        row("qwen2", "model.layers.0.self_attn.k_proj.bias", "blk.0.attn_k.bias", 0);
        row("qwen3", "model.layers.3.self_attn.q_norm.weight", "blk.3.attn_q_norm.weight", 0);
        row("gemma2", "model.layers.3.post_attention_layernorm.weight", "blk.3.post_attention_norm.weight", 0);
        row("gemma2", "model.layers.3.pre_feedforward_layernorm.weight", "blk.3.ffn_norm.weight", 0);
        row("llama", "model.layers.3.post_attention_layernorm.weight", "blk.3.ffn_norm.weight", 0);
        row("phi3", "model.layers.1.mlp.gate_up_proj.weight", "blk.1.ffn_up.weight", 0);
        row("qwen3_moe", "model.layers.1.mlp.experts.15.down_proj.weight", "blk.1.ffn_down_exps.weight", 15);
        row("mixtral", "model.layers.1.block_sparse_moe.experts.7.w3.weight", "blk.1.ffn_up_exps.weight", 7);
        row("qwen2_moe", "model.layers.1.mlp.shared_expert_gate.weight", "blk.1.ffn_gate_inp_shexp.weight", 0);
    }
    void namesGoBothWays()
    {
        QFETCH(QString, modelType);
        QFETCH(QString, huggingFace);
        QFETCH(QString, gguf);
        QFETCH(int, expert);
        const GgufFamily* family = ggufFamilyOf(modelType.toStdString());
        QVERIFY(family);
        const auto there = ggufName(*family, huggingFace.toStdString());
        QVERIFY(there);
        QCOMPARE(QString::fromStdString(there->name), gguf);
        QCOMPARE(there->expert, std::int64_t(expert));
        const auto back = huggingFaceName(*family, there->name);
        QVERIFY(back);
        QCOMPARE(there->isStacked, back->isStacked);
        const std::string name = back->isStacked ? expertName(back->name, there->expert) : back->name;
        QCOMPARE(QString::fromStdString(name), huggingFace);
    }

    void namesOfNothing_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {"model.layers.x.self_attn.q_proj.weight", "model.layers.", "model.layers.1.weight",
                                 "transformer.h.0.attn.weight", "model.layers.1.mlp.experts.1.down_proj.weight",
                                 "model.layers.1.self_attn.q_proj.scale", "weight", ""})
            QTest::addRow("%s", name) << QString::fromLatin1(name);
    }
    void namesOfNothing()
    {
        QFETCH(QString, name);
        QVERIFY(!ggufName(*ggufFamilyOf("llama"), name.toStdString()));
    }

    void configReadsBack()
    {
        const auto entries = ggufArchitecture(llamaConfig());
        QVERIFY2(entries.ok(), entries.ok() ? "" : entries.error().sentence().c_str());
        auto writer = GgufWriter::create(file(), entries.value(), {{"token_embd.weight", ElementType::F32, {8, 32}}});
        QVERIFY(writer.ok());
        QVERIFY(writer.value().appendFloat32("token_embd.weight", std::vector<float>(256, 0.5F)).ok());
        QVERIFY(writer.value().finish().ok());
        const auto read = openCheckpoint(file());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const Json& config = read.value()->config();
        const Json expected = llamaConfig();
        for (const auto& [key, value] : expected.items())
            QVERIFY2(config.at(key) == value, (key + ": " + config.at(key).dump()).c_str());
    }

    void configsThatGgufCannotSayAreRefused_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("json");
        QTest::addColumn<QString>("says");
        QTest::addRow("family") << "model_type"
                                << "\"falcon\""
                                << "falcon";
        QTest::addRow("family without metadata") << "model_type"
                                                 << "\"gemma2\""
                                                 << "gemma2";
        QTest::addRow("activation") << "hidden_act"
                                    << "\"relu\""
                                    << "relu";
        QTest::addRow("rotary scaling") << "rope_scaling"
                                        << "{\"rope_type\": \"linear\", \"factor\": 2}"
                                        << "rope_scaling";
        QTest::addRow("a word for a number") << "num_hidden_layers"
                                             << "\"four\""
                                             << "num_hidden_layers";
        QTest::addRow("a negative number") << "vocab_size"
                                           << "-1"
                                           << "vocab_size";
        QTest::addRow("nothing for a number") << "rms_norm_eps"
                                              << "null"
                                              << "rms_norm_eps";
    }
    void configsThatGgufCannotSayAreRefused()
    {
        QFETCH(QString, key);
        QFETCH(QString, json);
        QFETCH(QString, says);
        Json config = llamaConfig();
        config[key.toStdString()] = Json::parse(json.toStdString());
        const auto entries = ggufArchitecture(config);
        QVERIFY(!entries.ok());
        const std::string sentence = entries.error().sentence();
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
    }

private:
    std::filesystem::path file() const { return std::filesystem::path(m_folder->path().toStdString()) / "made.gguf"; }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstGgufWriter)
#include "tst_gguf_writer.moc"
