// SPDX-License-Identifier: Apache-2.0
// Names, permutation, experts and configuration of small GGUF models made in memory.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_family.h"

#include "tests/core/checkpoint/gguf_builder.h"
#include "tests/core/checkpoint/model_folder.h"

#include <QtTest>

#include <cmath>
#include <numbers>
#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;

namespace {

/// The metadata that every family needs: hidden 8, 2 query heads and 1 key head of dimension 4.
GgufBuilder metadataOf(const std::string& architecture)
{
    GgufBuilder builder;
    builder.string("general.architecture", architecture);
    builder.u32(architecture + ".embedding_length", 8).u32(architecture + ".block_count", 1);
    builder.u32(architecture + ".attention.head_count", 2).u32(architecture + ".attention.head_count_kv", 1);
    builder.u32(architecture + ".feed_forward_length", 4).u32(architecture + ".context_length", 64);
    builder.f32(architecture + ".attention.layer_norm_rms_epsilon", 1e-6F);
    return builder;
}

std::vector<float> counted(std::size_t count)
{
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(i);
    return values;
}

std::vector<float> read(const Checkpoint& checkpoint, const std::string& name)
{
    const TensorInfo* info = checkpoint.find(name);
    std::vector<float> values(info ? static_cast<std::size_t>(info->elements()) : 0);
    const Status status = checkpoint.readFloat32(name, values);
    return status.ok() ? values : std::vector<float> {};
}

/// The frequency factors that converters store for Llama 3.1, written down independently of the reader.
std::vector<float> llama3Factors(std::size_t pairs, double theta, double factor, double original)
{
    std::vector<float> factors;
    for (std::size_t i = 0; i < pairs; ++i) {
        const double turns = original / (2 * std::numbers::pi * std::pow(theta, double(i) / double(pairs)));
        const double kept = std::clamp((turns - 1) / 3, 0.0, 1.0); // 0 below one turn, 1 above four
        factors.push_back(static_cast<float>(1 / (kept + (1 - kept) / factor)));
    }
    return factors;
}

} // namespace

class TstGgufCheckpoint : public QObject
{
    Q_OBJECT

private:
    ModelFolder m_folder;

    Result<std::unique_ptr<Checkpoint>> open(const GgufBuilder& builder, const char* name = "m.gguf")
    {
        return openCheckpoint(m_folder.write(name, builder.bytes()));
    }

private Q_SLOTS:
    void namesAreThoseOfHuggingFace_data()
    {
        QTest::addColumn<std::string>("architecture");
        QTest::addColumn<bool>("experts");
        QTest::addColumn<std::string>("gguf");
        QTest::addColumn<std::string>("expected"); // "": no such tensor
        const auto row = [](const char* architecture, bool experts, const char* gguf, const char* expected) {
            QTest::addRow("%s%s %s", architecture, experts ? " with experts" : "", gguf)
                << std::string(architecture) << experts << std::string(gguf) << std::string(expected);
        };
        for (const char* architecture : {"llama", "qwen2", "qwen3", "granite", "gemma"}) {
            row(architecture, false, "token_embd.weight", "model.embed_tokens.weight");
            row(architecture, false, "output_norm.weight", "model.norm.weight");
            row(architecture, false, "output.weight", "lm_head.weight");
            row(architecture, false, "blk.0.attn_norm.weight", "model.layers.0.input_layernorm.weight");
            row(architecture, false, "blk.12.attn_q.weight", "model.layers.12.self_attn.q_proj.weight");
            row(architecture, false, "blk.1.attn_k.bias", "model.layers.1.self_attn.k_proj.bias");
            row(architecture, false, "blk.1.attn_v.weight", "model.layers.1.self_attn.v_proj.weight");
            row(architecture, false, "blk.1.attn_output.weight", "model.layers.1.self_attn.o_proj.weight");
            row(architecture, false, "blk.1.ffn_norm.weight", "model.layers.1.post_attention_layernorm.weight");
            row(architecture, false, "blk.1.ffn_gate.weight", "model.layers.1.mlp.gate_proj.weight");
            row(architecture, false, "blk.1.ffn_up.weight", "model.layers.1.mlp.up_proj.weight");
            row(architecture, false, "blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight");
        }
        row("qwen3", false, "blk.1.attn_q_norm.weight", "model.layers.1.self_attn.q_norm.weight");
        row("qwen3", false, "blk.1.attn_k_norm.weight", "model.layers.1.self_attn.k_norm.weight");
        row("llama", true, "blk.1.ffn_gate_inp.weight", "model.layers.1.block_sparse_moe.gate.weight");
        row("llama", true, "blk.1.ffn_gate_exps.weight", "model.layers.1.block_sparse_moe.experts.{expert}.w1.weight");
        row("llama", true, "blk.1.ffn_up_exps.weight", "model.layers.1.block_sparse_moe.experts.{expert}.w3.weight");
        row("llama", true, "blk.1.ffn_down_exps.weight", "model.layers.1.block_sparse_moe.experts.{expert}.w2.weight");
        row("llama", true, "blk.1.ffn_down.7.weight", "model.layers.1.block_sparse_moe.experts.7.w2.weight");
        for (const char* architecture : {"qwen2moe", "qwen3moe", "olmoe"}) {
            row(architecture, true, "blk.1.ffn_gate_inp.weight", "model.layers.1.mlp.gate.weight");
            row(architecture, true, "blk.1.ffn_up_exps.weight", "model.layers.1.mlp.experts.{expert}.up_proj.weight");
        }
        row("qwen2moe", true, "blk.1.ffn_down_shexp.weight", "model.layers.1.mlp.shared_expert.down_proj.weight");
        row("qwen2moe", true, "blk.1.ffn_gate_inp_shexp.weight", "model.layers.1.mlp.shared_expert_gate.weight");
        row("phi3", false, "blk.1.attn_qkv.weight", "model.layers.1.self_attn.qkv_proj.weight");
        row("phi3", false, "blk.1.ffn_up.weight", "model.layers.1.mlp.gate_up_proj.weight");
        for (const char* architecture : {"gemma2", "gemma3"}) {
            row(architecture, false, "blk.1.ffn_norm.weight", "model.layers.1.pre_feedforward_layernorm.weight");
            row(architecture, false, "blk.1.post_attention_norm.weight",
                "model.layers.1.post_attention_layernorm.weight");
            row(architecture, false, "blk.1.post_ffw_norm.weight", "model.layers.1.post_feedforward_layernorm.weight");
        }
        for (const char* odd :
             {"blk.weight", "blk..attn_q.weight", "blk.x.attn_q.weight", "blk.-1.attn_q.weight", "blk.01.attn_q.weight",
              "blk.1.attn_q", "blk.1.attn_q.scale", "attn_q.weight", "weight", "blk.99999999999999999999.attn_q.weight",
              "blk.1.unknown.weight", "blk.1.ffn_down.x.weight"})
            row("llama", false, odd, "");
    }
    void namesAreThoseOfHuggingFace()
    {
        QFETCH(std::string, architecture);
        QFETCH(bool, experts);
        QFETCH(std::string, gguf);
        QFETCH(std::string, expected);
        const GgufFamily* family = ggufFamily(architecture, experts);
        QVERIFY(family);
        const auto mapped = huggingFaceName(*family, gguf);
        QCOMPARE(mapped ? mapped->name : std::string(), expected);
    }

    void rotaryRowsComeBackAsHalves()
    {
        // Row 2i+p of a head in the file is row p*2+i of the model: 0 2 1 3 within each head of dimension 4.
        GgufBuilder builder = metadataOf("llama");
        builder.f32Tensor("blk.0.attn_q.weight", {1, 8}, counted(8))
            .f32Tensor("blk.0.attn_k.weight", {1, 4}, counted(4));
        builder.f32Tensor("blk.0.attn_q.bias", {8}, counted(8)).f32Tensor("blk.0.attn_v.weight", {1, 4}, counted(4));
        const auto opened = open(builder);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const std::string prefix = "model.layers.0.self_attn.";
        const std::vector<float> expected {0, 2, 1, 3, 4, 6, 5, 7};
        QCOMPARE(read(*opened.value(), prefix + "q_proj.weight"), expected);
        QCOMPARE(read(*opened.value(), prefix + "q_proj.bias"), expected);
        QCOMPARE(read(*opened.value(), prefix + "k_proj.weight"), (std::vector<float> {0, 2, 1, 3}));
        QCOMPARE(read(*opened.value(), prefix + "v_proj.weight"), counted(4));
        // The stored bytes are those of the file.
        const auto raw = opened.value()->rawBytes(prefix + "k_proj.weight");
        QVERIFY(std::memcmp(raw.value().data(), counted(4).data(), 16) == 0);
        opened.value()->releasePages(prefix + "k_proj.weight");
        QCOMPARE(read(*opened.value(), prefix + "k_proj.weight"), (std::vector<float> {0, 2, 1, 3}));
    }

    void otherFamiliesAreNotPermuted()
    {
        GgufBuilder builder = metadataOf("qwen2");
        builder.f32Tensor("blk.0.attn_q.weight", {1, 8}, counted(8));
        const auto opened = open(builder);
        QVERIFY(opened.ok());
        QCOMPARE(read(*opened.value(), "model.layers.0.self_attn.q_proj.weight"), counted(8));
    }

    void stackedExpertsAreToldApart()
    {
        GgufBuilder builder = metadataOf("qwen2moe");
        builder.u32("qwen2moe.expert_count", 3).u32("qwen2moe.expert_used_count", 2);
        builder.f32Tensor("blk.0.ffn_gate_exps.weight", {2, 4, 3}, counted(24));
        builder.f32Tensor("blk.0.ffn_gate_inp_shexp.weight", {2}, counted(2));
        const auto opened = open(builder);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const TensorInfo* last = opened.value()->find("model.layers.0.mlp.experts.2.gate_proj.weight");
        QVERIFY(last);
        QCOMPARE(last->shape, (std::vector<std::int64_t> {4, 2}));
        QCOMPARE(last->stored.value, std::int64_t(32));
        QCOMPARE(read(*opened.value(), last->name), (std::vector<float> {16, 17, 18, 19, 20, 21, 22, 23}));
        QCOMPARE(opened.value()->find("model.layers.0.mlp.shared_expert_gate.weight")->shape,
                 (std::vector<std::int64_t> {1, 2}));
        const Json& config = opened.value()->config();
        QCOMPARE(config.at("model_type"), "qwen2_moe");
        QCOMPARE(config.at("num_experts"), 3);
        QCOMPARE(config.at("num_experts_per_tok"), 2);
        QCOMPARE(config.at("moe_intermediate_size"), 4);
        QCOMPARE(config.at("norm_topk_prob"), false);
    }

    void mixtralIsALlamaWithExperts()
    {
        GgufBuilder builder = metadataOf("llama");
        builder.u32("llama.expert_count", 2).u32("llama.expert_used_count", 1);
        builder.f32Tensor("blk.0.ffn_down_exps.weight", {4, 1, 2}, counted(8));
        builder.f32Tensor("blk.0.attn_k.weight", {1, 4}, counted(4));
        const auto opened = open(builder);
        QVERIFY(opened.ok());
        QCOMPARE(opened.value()->config().at("model_type"), "mixtral");
        QCOMPARE(opened.value()->config().at("num_local_experts"), 2);
        QCOMPARE(read(*opened.value(), "model.layers.0.block_sparse_moe.experts.1.w2.weight"),
                 (std::vector<float> {4, 5, 6, 7}));
        QCOMPARE(read(*opened.value(), "model.layers.0.self_attn.k_proj.weight"), (std::vector<float> {0, 2, 1, 3}));
    }

    void gemmaNormsLoseTheirOne()
    {
        GgufBuilder builder = metadataOf("gemma");
        builder.f32Tensor("blk.0.attn_norm.weight", {2}, {1.5F, 0.5F}).f32Tensor("output_norm.weight", {1}, {1});
        builder.f32Tensor("blk.0.ffn_up.weight", {1, 1}, {1});
        const auto opened = open(builder);
        QVERIFY(opened.ok());
        QCOMPARE(read(*opened.value(), "model.layers.0.input_layernorm.weight"), (std::vector<float> {0.5F, -0.5F}));
        QCOMPARE(read(*opened.value(), "model.norm.weight"), std::vector<float> {0});
        QCOMPARE(read(*opened.value(), "model.layers.0.mlp.up_proj.weight"), std::vector<float> {1});
        QCOMPARE(opened.value()->config().at("hidden_activation"), "gelu_pytorch_tanh");
    }

    void configurationFollowsMetadataAndTensors()
    {
        GgufBuilder builder = metadataOf("llama");
        builder.u32("llama.vocab_size", 3).u32("llama.rope.dimension_count", 4).f32("llama.rope.freq_base", 5e5F);
        builder.u32("tokenizer.ggml.bos_token_id", 1).u32("llama.attention.key_length", 4);
        builder.f32Tensor("token_embd.weight", {8, 5}, counted(40));
        const auto tied = open(builder);
        QVERIFY(tied.ok());
        const Json& config = tied.value()->config();
        QCOMPARE(config.at("hidden_size"), 8);
        QCOMPARE(config.at("num_hidden_layers"), 1);
        QCOMPARE(config.at("num_attention_heads"), 2);
        QCOMPARE(config.at("num_key_value_heads"), 1);
        QCOMPARE(config.at("head_dim"), 4);
        QCOMPARE(config.at("vocab_size"), 5); // the rows of the embedding, not the tokens with a text
        QCOMPARE(config.at("rms_norm_eps"), 1e-6);
        QCOMPARE(config.at("rope_theta"), 500000.0);
        QCOMPARE(config.at("bos_token_id"), 1);
        QCOMPARE(config.at("tie_word_embeddings"), true);
        QCOMPARE(config.at("attention_bias"), false);
        QVERIFY(config.at("rope_scaling").is_null());
        QVERIFY(!config.contains("partial_rotary_factor"));

        builder.f32Tensor("output.weight", {8, 5}, counted(40)).f32Tensor("blk.0.attn_q.bias", {8}, counted(8));
        const auto untied = open(builder, "untied.gguf");
        QVERIFY(untied.ok());
        QCOMPARE(untied.value()->config().at("tie_word_embeddings"), false);
        QCOMPARE(untied.value()->config().at("attention_bias"), true);
    }

    void keyHeadsDefaultToQueryHeads()
    {
        GgufBuilder builder;
        builder.string("general.architecture", "llama").u32("llama.attention.head_count", 2);
        builder.f32Tensor("blk.0.attn_k.weight", {1, 8}, counted(8));
        const auto opened = open(builder);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(opened.value()->config().at("num_key_value_heads"), 2);
        QVERIFY(!opened.value()->warnings().empty()); // the keys that are missing
    }

    void ropeScalingIsRecognised_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("none") << QStringLiteral("none") << std::string("null");
        QTest::addRow("linear") << QStringLiteral("linear") << std::string(R"({"factor":4,"rope_type":"linear"})");
        QTest::addRow("linear, old spelling")
            << QStringLiteral("scale_linear") << std::string(R"({"factor":2,"rope_type":"linear"})");
        QTest::addRow("linear by one") << QStringLiteral("one") << std::string("null");
        QTest::addRow("yarn") << QStringLiteral("yarn")
                              << std::string(
                                     R"({"factor":4,"original_max_position_embeddings":16,"rope_type":"yarn"})");
        QTest::addRow("llama 3.1") << QStringLiteral("llama3")
                                   << std::string(R"({"factor":8,"high_freq_factor":4,"low_freq_factor":1,)"
                                                  R"("original_max_position_embeddings":8192,"rope_type":"llama3"})");
        QTest::addRow("other factors") << QStringLiteral("factors")
                                       << std::string(R"({"rope_type":"frequency_factors"})");
    }
    void ropeScalingIsRecognised()
    {
        QFETCH(QString, kind);
        QFETCH(std::string, expected);
        GgufBuilder builder = metadataOf("llama");
        builder.f32("llama.rope.freq_base", 5e5F);
        if (kind == QLatin1String("none") || kind == QLatin1String("linear") || kind == QLatin1String("yarn"))
            builder.string("llama.rope.scaling.type", kind.toStdString());
        if (kind == QLatin1String("linear") || kind == QLatin1String("yarn"))
            builder.f32("llama.rope.scaling.factor", 4);
        if (kind == QLatin1String("yarn"))
            builder.u32("llama.rope.scaling.original_context_length", 16);
        if (kind == QLatin1String("scale_linear") || kind == QLatin1String("one"))
            builder.f32("llama.rope.scale_linear", kind == QLatin1String("one") ? 1.0F : 2.0F);
        if (kind == QLatin1String("llama3"))
            builder.f32Tensor("rope_freqs.weight", {64}, llama3Factors(64, 5e5, 8, 8192));
        if (kind == QLatin1String("factors"))
            builder.f32Tensor("rope_freqs.weight", {4}, {1, 2, 3, 4});
        const auto opened = open(builder);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(canonicalJson(opened.value()->config().at("rope_scaling")), expected);
        QVERIFY(!opened.value()->find("rope_freqs.weight"));
    }

    void unknownArchitectureCanBeLookedAt()
    {
        GgufBuilder builder;
        builder.string("general.architecture", "mamba")
            .u32("mamba.embedding_length", 8)
            .string("mamba.block_count", "x");
        builder.f32Tensor("blk.0.ssm_in.weight", {2}, {1, 2});
        const auto opened = open(builder);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(opened.value()->config().at("model_type"), "mamba");
        QCOMPARE(opened.value()->config().at("hidden_size"), 8);
        QVERIFY(opened.value()->find("blk.0.ssm_in.weight"));
        QCOMPARE(opened.value()->warnings().size(), std::size_t(1));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const GgufBuilder& builder, const char* fragment) {
            QTest::addRow("%s", tag) << builder.bytes() << std::string(fragment);
        };
        row("no architecture", GgufBuilder().u32("x", 1), "\"general.architecture\" is missing");
        row("type that cannot be read", metadataOf("llama").tensor("a", {256}, 16, std::string(66, '\0')), "IQ2_XXS");
        row("dimension is text",
            GgufBuilder().string("general.architecture", "llama").string("llama.embedding_length", "8"),
            "\"llama.embedding_length\" holds a value of type string");
        row(
            "dimensions per layer",
            [] {
                GgufBuilder builder = GgufBuilder().string("general.architecture", "llama");
                builder.array("llama.feed_forward_length", GgufValueType::U32, 1, bytesOf(4U));
                return builder;
            }(),
            "holds an array of u32");
        row("heads that do not divide the rows",
            metadataOf("llama").f32Tensor("blk.0.attn_q.weight", {1, 7}, counted(7)), "does not divide into 2 heads");
        row("odd head dimension", metadataOf("llama").f32Tensor("blk.0.attn_q.weight", {1, 6}, counted(6)),
            "of an even dimension");
        row("no heads",
            GgufBuilder().string("general.architecture", "llama").f32Tensor("blk.0.attn_q.weight", {1, 4}, counted(4)),
            "0 heads");
        row("quantised bias of q", metadataOf("llama").tensor("blk.0.attn_q.bias", {64}, 2, std::string(36, '\0')),
            "does not divide into 2 heads");
        row("experts that are not stacked",
            metadataOf("qwen3moe").f32Tensor("blk.0.ffn_up_exps.weight", {2, 2}, counted(4)),
            "[experts, out, in] is expected");
        row("two tensors of one name",
            metadataOf("llama").f32Tensor("output_norm.weight", {1}, {1}).f32Tensor("model.norm.weight", {1}, {1}),
            "two tensors are named \"model.norm.weight\"");
        row("unknown rope scaling", metadataOf("llama").string("llama.rope.scaling.type", "magic"),
            "unknown value \"magic\"");
        row("epsilon is infinite",
            GgufBuilder()
                .string("general.architecture", "llama")
                .f32("llama.attention.layer_norm_rms_epsilon", HUGE_VALF),
            "is not finite");
    }
    void refuses()
    {
        QFETCH(std::string, bytes);
        QFETCH(std::string, fragment);
        const auto opened = openCheckpoint(m_folder.write("bad.gguf", bytes));
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos, sentence.c_str());
        QVERIFY2(sentence.find("bad.gguf") != std::string::npos && !opened.error().hint.empty(), sentence.c_str());
    }

    void partsOfASplitModelAreJoined()
    {
        const auto part = [](std::uint16_t number, std::uint16_t count, const char* tensor) {
            GgufBuilder builder = number == 0 ? metadataOf("llama") : GgufBuilder();
            builder.entry("split.no", GgufValueType::U16, bytesOf(number));
            builder.entry("split.count", GgufValueType::U16, bytesOf(count));
            builder.entry("split.tensors.count", GgufValueType::I32, bytesOf(std::int32_t(2)));
            return builder.f32Tensor(tensor, {1}, {static_cast<float>(number)}).bytes();
        };
        m_folder.write("s-00001-of-00002.gguf", part(0, 2, "output_norm.weight"));
        const auto second = m_folder.write("s-00002-of-00002.gguf", part(1, 2, "blk.0.attn_norm.weight"));
        const auto opened = openCheckpoint(second); // any part will do
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(opened.value()->files().size(), std::size_t(2));
        QCOMPARE(read(*opened.value(), "model.layers.0.input_layernorm.weight"), std::vector<float> {1});
        QCOMPARE(opened.value()->config().at("hidden_size"), 8);

        m_folder.write("s-00002-of-00002.gguf", part(1, 3, "blk.0.attn_norm.weight"));
        QVERIFY(openCheckpoint(m_folder / "s-00001-of-00002.gguf").error().message.find("part 2 of 3") !=
                std::string::npos);
        m_folder.write("s-00002-of-00002.gguf", part(1, 2, "output_norm.weight"));
        QVERIFY(openCheckpoint(second).error().message.find("two tensors") != std::string::npos);
        std::filesystem::remove(second);
        const auto missing = openCheckpoint(m_folder / "s-00001-of-00002.gguf");
        QCOMPARE(missing.error().code, ErrorCode::NotFound);
        QVERIFY(missing.error().message.find("s-00002-of-00002.gguf is not beside it") != std::string::npos);
        m_folder.write("renamed.gguf", part(0, 2, "output_norm.weight"));
        QCOMPARE(openCheckpoint(m_folder / "renamed.gguf").error().code, ErrorCode::Corrupt);
    }

    void smolLm2Opens()
    {
        const std::string models = qEnvironmentVariable("PARETOSCOPE_MODELS").toStdString();
        const std::string file = models + "/SmolLM2-135M-Instruct.Q4_1.gguf";
        if (models.empty() || !std::filesystem::exists(file))
            QSKIP("PARETOSCOPE_MODELS names no folder with SmolLM2-135M-Instruct.Q4_1.gguf");
        const auto opened = openCheckpoint(file);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        std::int64_t parameters = 0;
        for (const TensorInfo& tensor : opened.value()->tensors())
            parameters += tensor.elements();
        QCOMPARE(parameters, std::int64_t(134515008));
        QCOMPARE(opened.value()->config().at("vocab_size"), 49152);
        QVERIFY(opened.value()->warnings().empty());
    }
};

QTEST_GUILESS_MAIN(TstGgufCheckpoint)
#include "tst_gguf_checkpoint.moc"
