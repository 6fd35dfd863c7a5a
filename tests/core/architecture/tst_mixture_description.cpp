// SPDX-License-Identifier: Apache-2.0
// What configurations of mixtures of experts and of latent attention become, and which are refused.
#include "core/architecture/architecture.h"
#include "core/base/mapped_file.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace paretoscope::core;

namespace {

/// The configuration of a parity model, or of a variant of a family, with some keys replaced or (value "absent")
/// removed; a dotted key lies inside of an object.
Result<Architecture> describe(const char* model, const char* changes)
{
    std::filesystem::path folder = std::filesystem::path(PARETOSCOPE_TEST_DATA "/parity/models") / model;
    if (!std::filesystem::exists(folder))
        folder = std::filesystem::path(PARETOSCOPE_TEST_DATA "/families") / model;
    Json config = Json::parse(readTextFile(folder / "config.json").value());
    const Json changed = Json::parse(changes);
    for (const auto& [key, value] : changed.items()) {
        const std::size_t dot = key.find('.');
        Json& object = dot == std::string::npos ? config : config[key.substr(0, dot)];
        const std::string name = key.substr(dot == std::string::npos ? 0 : dot + 1);
        if (value == "absent")
            object.erase(name);
        else
            object[name] = value;
    }
    return describeArchitecture(config, PARETOSCOPE_RESOURCES "/architectures");
}

std::vector<int> mixtureLayers(const Architecture& architecture)
{
    std::vector<int> layers;
    for (std::size_t i = 0; i < architecture.blocks.size(); ++i) {
        if (architecture.blocks[i].find<MoeSpec>())
            layers.push_back(static_cast<int>(i));
    }
    return layers;
}

} // namespace

class TstMixtureDescription : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void choosesTheLayersThatAreMixtures_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<std::vector<int>>("layers");
        using Layers = std::vector<int>;
        QTest::addRow("all") << QByteArray("qwen3_moe") << QByteArray(R"({"num_hidden_layers": 4})")
                             << Layers {0, 1, 2, 3};
        QTest::addRow("every second") << QByteArray("qwen3_moe")
                                      << QByteArray(R"({"num_hidden_layers": 5, "decoder_sparse_step": 2})")
                                      << Layers {1, 3};
        QTest::addRow("some dense") << QByteArray("qwen2_moe")
                                    << QByteArray(R"({"num_hidden_layers": 4, "mlp_only_layers": [0, 2]})")
                                    << Layers {1, 3};
        QTest::addRow("dense ones first")
            << QByteArray("deepseek_v3") << QByteArray(R"({"num_hidden_layers": 5, "first_k_dense_replace": 3})")
            << Layers {3, 4};
        QTest::addRow("multiples of a number")
            << QByteArray("deepseek_v2")
            << QByteArray(R"({"num_hidden_layers": 7, "first_k_dense_replace": 2, "moe_layer_freq": 3})")
            << Layers {3, 6};
        QTest::addRow("multiples of a number, V3")
            << QByteArray("deepseek_v3")
            << QByteArray(R"({"num_hidden_layers": 5, "first_k_dense_replace": 0, "moe_layer_freq": 2})")
            << Layers {0, 2, 4};
        QTest::addRow("by step") << QByteArray("llama4_text") << QByteArray(R"({"num_hidden_layers": 6})")
                                 << Layers {1, 3, 5};
        QTest::addRow("by step, a list of null")
            << QByteArray("llama4_text") << QByteArray(R"({"interleave_moe_layer_step": 3, "moe_layers": null})")
            << Layers {2};
        QTest::addRow("as listed") << QByteArray("llama4") << QByteArray(R"({"text_config.moe_layers": [1]})")
                                   << Layers {1};
        QTest::addRow("by default") << QByteArray("llama4") << QByteArray(R"({"text_config.moe_layers": "absent"})")
                                    << Layers {0, 1, 2};
    }
    void choosesTheLayersThatAreMixtures()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(std::vector<int>, layers);
        const auto found = describe(model.constData(), changes.constData());
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(mixtureLayers(found.value()), layers);
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("part");
        const auto row = [](const char* tag, const char* model, const char* changes, ErrorCode code, const char* part) {
            QTest::addRow("%s", tag) << QByteArray(model) << QByteArray(changes) << int(code) << QByteArray(part);
        };
        row("more chosen than there are", "mixtral", R"({"num_experts_per_tok": 9})", ErrorCode::Corrupt,
            "9 of 8 experts");
        row("none chosen", "mixtral", R"({"num_experts_per_tok": 0})", ErrorCode::Corrupt, "0 of 8 experts");
        row("no experts", "mixtral", R"({"num_local_experts": 0})", ErrorCode::Corrupt, "0 experts");
        row("absurd number", "mixtral", R"({"num_local_experts": 2000000000})", ErrorCode::Corrupt,
            "2000000000 experts");
        row("count missing", "mixtral", R"({"num_local_experts": "absent"})", ErrorCode::Corrupt, "num_local_experts");
        row("unequal groups", "deepseek_v3", R"({"n_group": 3})", ErrorCode::Corrupt, "equal groups");
        row("more groups kept than there are", "deepseek_v3", R"({"topk_group": 5})", ErrorCode::Corrupt,
            "5 of 2 equal groups");
        row("groups too small", "deepseek_v2", R"({"topk_group": 1})", ErrorCode::Corrupt,
            "3 experts are chosen from 1 groups of 2");
        row("unknown way of choosing", "deepseek_v2", R"({"topk_method": "auction"})", ErrorCode::Unsupported,
            "auction");
        row("multiples of no layer", "deepseek_v2", R"({"moe_layer_freq": 0})", ErrorCode::Corrupt,
            "repeats after 0 layers");
        row("shared expert of no stated width", "granitemoeshared", R"({"shared_intermediate_size": "absent"})",
            ErrorCode::Corrupt, "shared_intermediate_size");
        row("SparseMixer chooses two", "phimoe", R"({"num_experts_per_tok": 3})", ErrorCode::Corrupt,
            "3 of 6 experts cannot be chosen by SparseMixer, only 2");
        row("longrope without its factors", "phimoe",
            R"({"rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1, 1, 1, 1]}})",
            ErrorCode::Corrupt, "short_mscale");
        row("a scaling that never had factors", "phimoe", R"({"rope_scaling": {"type": "linear", "factor": 2.0}})",
            ErrorCode::Unsupported, "linear");
        row("no latent", "deepseek_v2", R"({"kv_lora_rank": 0})", ErrorCode::Corrupt, "rank");
        row("no text model", "llama4", R"({"text_config": "absent"})", ErrorCode::Corrupt, "no object text_config");
        row("text model is a text", "llama4", R"({"text_config": "big"})", ErrorCode::Corrupt, "no object text_config");
        row("rotations of some layers", "llama4_text", R"({"no_rope_layers": [1, 0]})", ErrorCode::Corrupt,
            "[1,0] says neither 0 nor 1 of layer 2");
        row("rotations in words", "llama4_text", R"({"no_rope_layers": ["on", "on", "off", "on"]})", ErrorCode::Corrupt,
            "of layer 0");
        row("rotations are no list", "llama4_text", R"({"no_rope_layers": 3})", ErrorCode::Corrupt,
            "expected a list of layers, found 3");
        row("no interval", "llama4_text", R"({"no_rope_layer_interval": 0})", ErrorCode::Corrupt,
            "repeats after 0 layers");
        row("no interval of the temperature", "llama4_text", R"({"floor_scale": 0})", ErrorCode::Corrupt,
            "changes after no positions");
        row("temperature in words", "llama4_text", R"({"attn_temperature_tuning": "on"})", ErrorCode::Corrupt,
            "attn_temperature_tuning");
        row("windows", "llama4_text",
            R"({"layer_types": ["sliding_attention", "full_attention", "full_attention", "full_attention"]})",
            ErrorCode::Unsupported, "layer 0 is of the kind \"sliding_attention\"");
    }
    void refuses()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(int, code);
        QFETCH(QByteArray, part);
        const auto found = describe(model.constData(), changes.constData());
        QVERIFY(!found.ok());
        QCOMPARE(int(found.error().code), code);
        QVERIFY2(found.error().message.find(part.toStdString()) != std::string::npos, found.error().message.c_str());
    }

    void listsWhatItCannotCompute_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addRow("scoring") << QByteArray("deepseek_v3") << QByteArray(R"({"scoring_func": "softmax"})");
        QTest::addRow("rotary halves") << QByteArray("deepseek_v3") << QByteArray(R"({"rope_interleave": false})");
        QTest::addRow("other activation") << QByteArray("gpt_oss") << QByteArray(R"({"hidden_act": "gelu"})");
        QTest::addRow("unknown key") << QByteArray("olmoe") << QByteArray(R"({"expert_choice": "tokens"})");
        QTest::addRow("unknown key of the text model")
            << QByteArray("llama4") << QByteArray(R"({"text_config.expert_choice": "tokens"})");
        QTest::addRow("unknown key around the text model")
            << QByteArray("llama4") << QByteArray(R"({"tie_word_embeddings": true})");
    }
    void listsWhatItCannotCompute()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QVERIFY(describe(model.constData(), "{}").value().unsupported.empty());
        const auto found = describe(model.constData(), changes.constData());
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(found.value().unsupported.size(), std::size_t(1));
    }

    /// The published code of DeepSeek-V2 divides by the sum or scales, and a single weight is always scaled.
    void normalisedOrScaled_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<bool>("normalised");
        QTest::addColumn<double>("scale");
        const auto row = [](const char* tag, const char* model, const char* changes, bool normalised, double scale) {
            QTest::addRow("%s: %s", model, tag) << QByteArray(model) << QByteArray(changes) << normalised << scale;
        };
        row("scaled", "deepseek_v2", R"({"norm_topk_prob": false, "routed_scaling_factor": 16.0})", false, 16);
        row("normalised", "deepseek_v2", R"({"norm_topk_prob": true, "routed_scaling_factor": 16.0})", true, 1);
        row("one expert", "deepseek_v2",
            R"({"norm_topk_prob": true, "routed_scaling_factor": 16.0, "num_experts_per_tok": 1})", false, 16);
        row("both", "deepseek_v3", R"({"norm_topk_prob": true, "routed_scaling_factor": 2.5})", true, 2.5);
    }
    void normalisedOrScaled()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(bool, normalised);
        QFETCH(double, scale);
        const auto found = describe(model.constData(), changes.constData());
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QVERIFY(found.value().unsupported.empty());
        QCOMPARE(found.value().largestMixture()->rule.normalise, normalised);
        QCOMPARE(found.value().largestMixture()->rule.scale, scale);
    }

    void attentionVariesFromLayerToLayer_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<QByteArray>("rotary"); // of every layer: n with norms behind the rotation, r without, - none
        QTest::addColumn<QByteArray>("heated"); // t with a temperature
        QTest::addColumn<std::vector<std::int64_t>>("chunks");
        using Chunks = std::vector<std::int64_t>;
        const auto row = [](const char* tag, const char* model, const char* changes, const char* rotary,
                            const char* heated, const Chunks& chunks) {
            QTest::addRow("%s", tag) << QByteArray(model) << QByteArray(changes) << QByteArray(rotary)
                                     << QByteArray(heated) << chunks;
        };
        row("by interval", "llama4_text", "{}", "nn-n", "--t-", {8, 8, 0, 8});
        row("by default", "llama4_text", R"({"no_rope_layer_interval": "absent", "no_rope_layers": "absent",
            "attention_chunk_size": "absent"})",
            "nnn-", "---t", {8192, 8192, 8192, 0});
        row("as listed", "llama4_text", R"({"no_rope_layers": [0, 1, 0, 1]})", "-n-n", "t-t-", {0, 8, 0, 8});
        row("as listed in words", "llama4_text", R"({"no_rope_layers": [false, true, true, true]})", "-nnn", "t---",
            {0, 8, 8, 8});
        row("masks by a list of their own", "llama4_text",
            R"({"layer_types": ["full_attention", "chunked_attention", "chunked_attention", "full_attention"]})",
            "nn-n", "--t-", {0, 8, 8, 0});
        row("temperature as a number", "llama4_text", R"({"attn_temperature_tuning": 4})", "nn-n", "--t-",
            {8, 8, 0, 8});
        row("temperature off as a number", "llama4_text", R"({"attn_temperature_tuning": 0})", "nn-n", "----",
            {8, 8, 0, 8});
        row("inside of a multimodal model", "llama4", "{}", "rr-", "---", {16, 16, 0});
    }
    void attentionVariesFromLayerToLayer()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(QByteArray, rotary);
        QFETCH(QByteArray, heated);
        QFETCH(std::vector<std::int64_t>, chunks);
        const auto found = describe(model.constData(), changes.constData());
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QVERIFY(found.value().unsupported.empty());
        QByteArray rotaryFound;
        QByteArray heatedFound;
        std::vector<std::int64_t> chunksFound;
        for (const BlockSpec& block : found.value().blocks) {
            const AttentionSpec& attention = *block.find<AttentionSpec>();
            QCOMPARE(attention.queryNorm.has_value(), attention.normsAfterRotary && attention.keyNorm);
            rotaryFound.append(!attention.rotary ? '-' : (attention.keyNorm ? 'n' : 'r'));
            heatedFound.append(attention.temperature ? 't' : '-');
            chunksFound.push_back(attention.chunk);
        }
        QCOMPARE(rotaryFound, rotary);
        QCOMPARE(heatedFound, heated);
        QCOMPARE(chunksFound, chunks);
    }

    void namesOfATextModelBesideAVisionTower()
    {
        const auto found = describe("llama4", "{}");
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const Architecture& architecture = found.value();
        QCOMPARE(architecture.modelType, std::string("llama4"));
        QCOMPARE(architecture.family, std::string("llama4"));
        const MoeSpec& moe = *architecture.blocks[2].find<MoeSpec>();
        QVERIFY(moe.weighsInput && moe.shared && !moe.sharedGate);
        QCOMPARE(moe.rule.score, RouterScore::SigmoidOfChosen);
        QCOMPARE(architecture.blocks[1].find<MlpSpec>()->down.inFeatures, std::int64_t(28));
        QCOMPARE(moe.shared->down.inFeatures, std::int64_t(16));
        // Norms behind the rotation read no tensor.
        for (const ExpectedTensor& tensor : architecture.tensors())
            QVERIFY(!tensor.name.empty());
    }

    void layersBehindTheLastAreIgnored()
    {
        const auto found = describe("deepseek_v3", R"({"num_nextn_predict_layers": 1})");
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const std::vector<std::string>& ignored = found.value().ignoredTensors;
        QVERIFY(std::find(ignored.begin(), ignored.end(), "model.layers.2.*") != ignored.end());
    }

    void stackedTensorsAreListedOnce()
    {
        const auto found = describe("gpt_oss", R"({"num_hidden_layers": 1, "layer_types": ["full_attention"]})");
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        std::map<std::string, ExpectedTensor> stacked;
        for (const ExpectedTensor& tensor : found.value().tensors()) {
            if (tensor.stacked > 0)
                QVERIFY(stacked.emplace(tensor.name, tensor).second);
        }
        QCOMPARE(stacked.size(), std::size_t(4));
        const ExpectedTensor& wide = stacked.at("model.layers.0.mlp.experts.gate_up_proj");
        QCOMPARE(wide.shape, (std::vector<std::int64_t> {6, 40, 64}));
        QCOMPARE(wide.stacked, std::int64_t(6));
        QVERIFY(wide.transposed);
        const MoeSpec& moe = *found.value().blocks.front().find<MoeSpec>();
        QCOMPARE(moe.experts[5].gateUp.weight(), std::string("model.layers.0.mlp.experts.gate_up_proj[5]"));
        QCOMPARE(moe.experts[5].down.biasName(), std::string("model.layers.0.mlp.experts.down_proj_bias[5]"));
    }

    void partsThatASwitchAdds()
    {
        const auto shared = describe("granitemoeshared", "{}");
        const auto unshared = describe("granitemoeshared", R"({"shared_intermediate_size": 0})");
        QVERIFY(shared.ok() && unshared.ok());
        const MoeSpec& moe = *shared.value().largestMixture();
        QCOMPARE(moe.shared->gateUp.weight(), std::string("model.layers.0.shared_mlp.input_linear.weight"));
        QCOMPARE(moe.shared->gateUp.outFeatures, 2 * moe.shared->down.inFeatures);
        QVERIFY(!moe.sharedGate && !unshared.value().largestMixture()->shared);

        const auto biased = describe("phimoe", "{}");
        const auto plain = describe("phimoe", R"({"lm_head_bias": false, "attention_bias": "absent"})");
        QVERIFY(biased.ok() && plain.ok());
        QCOMPARE(biased.value().head.bias, std::string("lm_head.bias"));
        QVERIFY(biased.value().blocks[0].find<AttentionSpec>()->output.bias);
        QVERIFY(plain.value().head.bias.empty());
        QVERIFY(!plain.value().blocks[0].find<AttentionSpec>()->query.bias);
    }

    void oneTokenMeetsPartOfTheParameters()
    {
        const auto found = describe("mixtral", "{}");
        QVERIFY(found.ok());
        // 6 of 8 experts of 3 matrices 48 x 40 are idle in 2 layers.
        QCOMPARE(found.value().parameters() - found.value().activeParameters(), std::int64_t(2 * 6 * 3 * 48 * 40));
        QCOMPARE(found.value().largestMixture()->rule.chosen, 2);
    }

    void latentAttentionTakesBothFormsOfQuery()
    {
        const auto ranked = describe("deepseek_v2", "{}");
        const auto direct = describe("deepseek_v2", R"({"q_lora_rank": null, "n_shared_experts": null})");
        QVERIFY(ranked.ok() && direct.ok());
        const auto& narrow = *ranked.value().blocks[0].find<LatentAttentionSpec>();
        const auto& wide = *direct.value().blocks[0].find<LatentAttentionSpec>();
        QVERIFY(narrow.queryDown && !wide.queryDown && !wide.queryNorm);
        QCOMPARE(narrow.query.inFeatures, std::int64_t(24));
        QCOMPARE(wide.query.inFeatures, std::int64_t(48));
        QCOMPARE(wide.query.module, std::string("model.layers.0.self_attn.q_proj"));
        QVERIFY(ranked.value().largestMixture()->shared && !direct.value().largestMixture()->shared);
        // 1/sqrt(12 + 8) times (0.1 * 0.707 * ln 8 + 1)².
        const double magnitude = 0.1 * 0.707 * std::log(8.0) + 1;
        QVERIFY(std::fabs(narrow.scale - magnitude * magnitude / std::sqrt(20.0)) < 1e-12);
    }
};

QTEST_GUILESS_MAIN(TstMixtureDescription)
#include "tst_mixture_description.moc"
