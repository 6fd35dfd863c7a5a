// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/architecture.h"
#include "core/architecture/rotary.h"
#include "core/base/mapped_file.h"

#include <QtTest>

#include <cmath>
#include <numbers>

using namespace paretoscope::core;

namespace {

const std::filesystem::path kFamilies = PARETOSCOPE_RESOURCES "/architectures";

/// A configuration with some keys replaced or (value "absent") removed.
Json changedConfig(const std::string& file, const char* changes)
{
    const auto text = readTextFile(file);
    Json config = Json::parse(text.value());
    const Json changed = Json::parse(changes);
    for (const auto& [key, value] : changed.items()) {
        if (value == "absent")
            config.erase(key);
        else
            config[key] = value;
    }
    return config;
}

/// That of the bundled model.
Json configWith(const char* changes)
{
    return changedConfig(PARETOSCOPE_RESOURCES "/models/tiny-llama/config.json", changes);
}

/// That of one of the parity models.
Json configOf(const std::string& model, const char* changes)
{
    return changedConfig(PARETOSCOPE_TEST_DATA "/parity/models/" + model + "/config.json", changes);
}

/// What keeps `config` from being computed; empty: nothing.
std::string refusal(const Json& config)
{
    const auto found = describeArchitecture(config, kFamilies);
    if (!found.ok())
        return found.error().message;
    std::string all;
    for (const std::string& reason : found.value().unsupported)
        all += reason + '\n';
    return all;
}

/// A checkpoint of which only names and shapes matter.
class TableOnly : public Checkpoint
{
public:
    TableOnly(Json config, const Architecture& architecture)
        : m_config(std::move(config))
    {
        for (const ExpectedTensor& tensor : architecture.tensors())
            m_tensors.push_back({tensor.name, tensor.shape, ElementType::BF16, {}});
        sort();
    }
    void remove(const std::string& name)
    {
        std::erase_if(m_tensors, [&](const TensorInfo& tensor) { return tensor.name == name; });
    }
    void add(const std::string& name, std::vector<std::int64_t> shape)
    {
        remove(name);
        m_tensors.push_back({name, std::move(shape), ElementType::BF16, {}});
        sort();
    }

    std::string_view format() const override { return "safetensors"; }
    const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    const Json& config() const override { return m_config; }
    const std::vector<std::filesystem::path>& files() const override { return m_files; }
    Status readFloat32(std::string_view, std::span<float>) const override { return Error {}; }
    Result<std::span<const std::byte>> rawBytes(std::string_view) const override { return Error {}; }
    void releasePages(std::string_view) const override {}

private:
    void sort()
    {
        std::sort(m_tensors.begin(), m_tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    }
    Json m_config;
    std::vector<TensorInfo> m_tensors;
    std::vector<std::filesystem::path> m_files;
};

} // namespace

class TstArchitecture : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsTheBundledModel()
    {
        const auto found = describeArchitecture(configWith("{}"), kFamilies);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const Architecture& architecture = found.value();
        QCOMPARE(architecture.family, std::string("llama"));
        QVERIFY(architecture.unsupported.empty());
        QCOMPARE(architecture.blocks.size(), std::size_t(4));
        QCOMPARE(architecture.headDim, 32);
        QCOMPARE(architecture.kvHeads, 2);
        QVERIFY(architecture.tiedEmbeddings);
        QCOMPARE(architecture.parameters(), std::int64_t(1311872));
        QCOMPARE(architecture.blocks[3].find<MlpSpec>()->down.weight(),
                 std::string("model.layers.3.mlp.down_proj.weight"));
        QCOMPARE(architecture.blocks[0].find<AttentionSpec>()->key.outFeatures, std::int64_t(64));
    }

    void defaultsAreThoseOfTheFamily()
    {
        const auto found = describeArchitecture(configWith(R"({"num_key_value_heads": "absent", "head_dim": "absent",
            "tie_word_embeddings": "absent", "rope_theta": "absent", "rms_norm_eps": "absent"})"),
                                                kFamilies);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(found.value().kvHeads, 4);
        QCOMPARE(found.value().headDim, 32);
        QVERIFY(!found.value().tiedEmbeddings);
        QCOMPARE(found.value().head.norm->epsilon, 1e-6);
        QCOMPARE(found.value().head.weight, std::string("lm_head.weight"));
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("part");
        const auto row = [](const char* tag, const char* changes, ErrorCode code, const char* part) {
            QTest::addRow("%s", tag) << QByteArray(changes) << int(code) << QByteArray(part);
        };
        row("unknown family", R"({"model_type": "mamba"})", ErrorCode::Unsupported, "mamba");
        row("no family", R"({"model_type": "absent"
})",
            ErrorCode::Corrupt, "model_type");
        row("missing size", R"({"hidden_size": "absent"
})",
            ErrorCode::Corrupt, "hidden_size");
        row("size of a wrong type", R"({"hidden_size": "big"})", ErrorCode::Corrupt, "hidden_size");
        row("fractional size", R"({"hidden_size": 128.5})", ErrorCode::Corrupt, "128.5");
        row("negative size", R"({"num_hidden_layers": -1})", ErrorCode::Corrupt, "-1");
        row("absurd size", R"({"vocab_size": 1e30})", ErrorCode::Corrupt, "vocab_size");
        row("no layers", R"({"num_hidden_layers": 0})", ErrorCode::Corrupt, "layers is 0");
        row("too many layers", R"({"num_hidden_layers": 1000000})", ErrorCode::Corrupt, "1000000 layers");
        row("heads do not divide", R"({"num_key_value_heads": 3})", ErrorCode::Corrupt, "cannot share 3");
        row("odd head", R"({"head_dim": 33})", ErrorCode::Corrupt, "33");
        row("head size not integral", R"({"head_dim": "absent", "hidden_size": 130
        })",
            ErrorCode::Corrupt, "head_dim");
        row("unknown activation", R"({"hidden_act": "silo"})", ErrorCode::Unsupported, "silo");
        row("unknown rope scaling", R"({"rope_scaling": {"rope_type": "magic", "factor": 2.0}})",
            ErrorCode::Unsupported, "magic");
        row("scaling without factor", R"({"rope_scaling": {"type": "linear"}})", ErrorCode::Corrupt, "factor");
        row("dynamic scaling without factor", R"({"rope_scaling": {"type": "dynamic"}})", ErrorCode::Corrupt, "factor");
        row("dynamic scaling from no length",
            R"({"rope_scaling": {"type": "dynamic", "factor": 2.0}, "max_position_embeddings": "absent"})",
            ErrorCode::Corrupt, "max_position_embeddings");
        row("dynamic scaling with a setting of its own", R"({"rope_scaling": {"type": "dynamic", "alpha": 1000.0}})",
            ErrorCode::Unsupported, "alpha");
        row("dynamic scaling of one pair", R"({"rope_scaling": {"type": "dynamic", "factor": 2.0}, "head_dim": 2})",
            ErrorCode::Corrupt, "2 channels");
        row("scaling of a wrong type", R"({"rope_scaling": {"rope_type": 7}})", ErrorCode::Corrupt, "");
        row("boolean of a wrong type", R"({"attention_bias": 3})", ErrorCode::Corrupt, "attention_bias");
        row("negative theta", R"({"rope_theta": -1})", ErrorCode::Corrupt, "rope_theta");
    }
    void refuses()
    {
        QFETCH(QByteArray, changes);
        QFETCH(int, code);
        QFETCH(QByteArray, part);
        const auto found = describeArchitecture(configWith(changes.constData()), kFamilies);
        QVERIFY(!found.ok());
        QCOMPARE(int(found.error().code), code);
        QVERIFY2(QByteArray::fromStdString(found.error().message).contains(part), found.error().message.c_str());
        QVERIFY(!found.error().hint.empty());
    }

    void unknownKeysAreListed_data()
    {
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<int>("count");
        QTest::addRow("a feature that is on") << QByteArray(R"({"attn_logit_softcapping": 50.0})") << 1;
        QTest::addRow("a feature that is off") << QByteArray(R"({"use_magic": false, "window": null})") << 0;
        QTest::addRow("a neutral key") << QByteArray(R"({"pad_token_id": 3, "use_cache": true})") << 0;
        QTest::addRow("a value that cannot be computed") << QByteArray(R"({"rope_interleaved": true})") << 1;
        QTest::addRow("the value that can") << QByteArray(R"({"rope_interleaved": false})") << 0;
    }
    void unknownKeysAreListed()
    {
        QFETCH(QByteArray, changes);
        QFETCH(int, count);
        const auto found = describeArchitecture(configWith(changes.constData()), kFamilies);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(int(found.value().unsupported.size()), count);
    }

    /// Whatever changes the arithmetic without us knowing how is named, in every family.
    void namesWhatCannotBeComputed_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<QByteArray>("reason"); // empty: supported
        const auto row = [](const char* tag, const char* model, const char* changes, const char* reason) {
            QTest::addRow("%s: %s", model, tag) << QByteArray(model) << QByteArray(changes) << QByteArray(reason);
        };
        for (const char* model : {"gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "granite", "llama_rope3",
                                  "mistral", "opt", "phi3", "qwen2", "qwen3"}) {
            row("as published", model, "{}", "");
            row("unknown key", model, R"({"residual_gain": 1.5})", "the key residual_gain = 1.5 is not known to");
        }
        row("window is off", "mistral", R"({"sliding_window": null})", "");
        row("layers of its own", "mistral", R"({"layer_types": ["sliding_attention", "full_attention"]})",
            "layer_types");
        row("too few layer types", "gemma2", R"({"layer_types": ["full_attention"]})",
            "names 1 layers, the model has 3");
        row("layer types are no list", "gemma2", R"({"layer_types": 4})", "no list of texts");
        row("unknown layer type", "qwen2", R"({"layer_types": ["full_attention", "linear_attention"]})",
            "layer 1 is of the kind \"linear_attention\"");
        row("bidirectional", "gemma2", R"({"use_bidirectional_attention": true})", "use_bidirectional_attention");
        row("pattern of no layers", "gemma3_text", R"({"sliding_window_pattern": 0})", "repeats after 0 layers");
        row("rope parameters not by layer type", "gemma3_text",
            R"({"rope_parameters": {"rope_theta": 5.0, "rope_type": "default"}})", "rope_parameters.rope_theta");
        row("contradiction", "llama_rope3", R"({"rope_parameters": {"rope_theta": 7.0}})", "contradicts itself");
        row("unknown setting of the scaling", "llama_rope3",
            R"({"rope_scaling": {"rope_type": "linear", "factor": 2.0, "mrope_section": [1, 2]}})", "mrope_section");
        row("setting of no scaling", "qwen3", R"({"rope_scaling": {"rope_type": "default", "factor": 2.0}})", "factor");
        row("longrope of a wrong length", "phi3",
            R"({"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}})",
            "no list of 6 positive numbers");
        row("a cap that transformers states and never applies", "gemma3_text", R"({"attn_logit_softcapping": 50.0})",
            "attn_logit_softcapping is 50.0");
        row("other activation", "gemma", R"({"hidden_act": "silu"})", "hidden_act is \"silu\"");
        row("attention scale per layer", "gpt2", R"({"scale_attn_by_inverse_layer_idx": true})", "");
        row("no attention scale", "gpt2", R"({"scale_attn_weights": false})", "");
        row("neither true nor false", "gpt2", R"({"scale_attn_weights": 2})",
            "\"scale_attn_weights\" is \"2\", which gpt2 models do not know");
        row("no affine norm", "opt", R"({"layer_norm_elementwise_affine": false})", "layer_norm_elementwise_affine");
        row("no positions", "opt", R"({"max_position_embeddings": 0})", "learned positions");
        row("odd part of a head rotates", "gpt_neox", R"({"rotary_pct": 0.2})", "even number of rotary channels");
        row("more than a head rotates", "gpt_neox", R"({"rotary_pct": 1.5})", "even number of rotary channels");
        row("logits divided by nothing", "granite", R"({"logits_scaling": 0})", "divided by 0");
        row("multiplier of a wrong type", "granite", R"({"attention_multiplier": {"sqrt": 4}})",
            "attention_multiplier");
        row("negative scalar", "gemma2", R"({"query_pre_attn_scalar": -4})", "positive");
        row("head size absent", "qwen3", R"({"head_dim": null})", "");
    }
    void namesWhatCannotBeComputed()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(QByteArray, reason);
        const std::string found = refusal(configOf(model.toStdString(), changes.constData()));
        if (reason.isEmpty())
            QCOMPARE(found, std::string());
        else
            QVERIFY2(found.find(reason.toStdString()) != std::string::npos, found.c_str());
    }

    /// Whoever adds a family is told of slips instead of getting other numbers.
    void slipsInAFamilyFileAreNamed_data()
    {
        QTest::addColumn<QByteArray>("pointer");
        QTest::addColumn<QByteArray>("value");
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* tag, const char* pointer, const char* value, const char* message) {
            QTest::addRow("%s", tag) << QByteArray(pointer) << QByteArray(value) << QByteArray(message);
        };
        row("misspelt member", "/block/sublayers/0/part/soft_cpa", "3",
            "attention has the unknown member \"soft_cpa\"");
        row("misspelt member of a norm", "/head/norm/weigth_offset", "1", "a norm has the unknown member");
        row("unknown part", "/block/sublayers/1/part/kind", R"("mpl")", "\"mpl\" is no part of a block");
        row("unknown norm", "/head/norm/kind", R"("rmz")", "\"rmz\" is no kind of norm");
        row("norms with a weight behind the rotation", "/block/sublayers/0/part",
            R"({"kind": "attention", "q_proj": "q", "k_proj": "k", "v_proj": "v", "o_proj": "o",
                "rotary": {"style": "half_split", "theta": 10000, "scaling": null}, "norm_after_rotary": true,
                "key_norm": {"kind": "rms", "weight": "k_norm", "epsilon": 1e-6}})",
            "behind a rotation only norms without weight");
        row("unknown choice", "/block/sublayers/0/part/window", R"({"case": "attention", "full_attention": 0})",
            "unknown layer kinds \"attention\"");
        row("unknown dimension", "/dimensions/kv_heads", R"("atention_heads")",
            "\"atention_heads\" is not a dimension");
        row("no rule holds", "/layer_kinds", R"({"mlp": {"rules": [{"before": 1, "kind": "dense"}]}})",
            "no rule of layer_kinds holds for layer 1");
    }
    void slipsInAFamilyFileAreNamed()
    {
        QFETCH(QByteArray, pointer);
        QFETCH(QByteArray, value);
        QFETCH(QByteArray, message);
        Json family = Json::parse(readTextFile(kFamilies / "llama.json").value());
        family[Json::json_pointer(pointer.toStdString())] = Json::parse(value.constData());
        const QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("llama.json")));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(QByteArray::fromStdString(family.dump())) > 0);
        file.close();
        const auto found = describeArchitecture(configWith("{}"), folder.path().toStdString());
        QVERIFY(!found.ok());
        QVERIFY2(QByteArray::fromStdString(found.error().message).contains(message), found.error().message.c_str());
    }

    void layersVaryAsTheFamilySays_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<QList<int>>("windows");
        const auto row = [](const char* tag, const char* model, const char* changes, const QList<int>& windows) {
            QTest::addRow("%s", tag) << QByteArray(model) << QByteArray(changes) << windows;
        };
        row("every layer", "mistral", "{}", {8, 8});
        row("switched off", "qwen2", "{}", {0, 0});
        row("from a layer on", "qwen2", R"({"use_sliding_window": true})", {0, 8});
        row("as listed", "qwen2", R"({"layer_types": ["sliding_attention", "full_attention"]})", {8, 0});
        row("every other", "gemma2", "{}", {8, 0, 8});
        row("by pattern", "gemma3_text", "{}", {8, 8, 0, 8});
        row("by default", "gemma3_text", R"({"sliding_window_pattern": "absent"})", {8, 8, 8, 8});
        row("class default", "mistral", R"({"sliding_window": "absent"})", {4096, 4096});
        row("Qwen2-MoE: switched off", "qwen2_moe", R"({"num_hidden_layers": 3})", {0, 0, 0});
        row("Qwen2-MoE: every other layer before a number of them", "qwen2_moe",
            R"({"num_hidden_layers": 6, "use_sliding_window": true, "max_window_layers": 4})", {8, 0, 8, 0, 0, 0});
        row("Qwen2-MoE: as listed", "qwen2_moe",
            R"({"num_hidden_layers": 2, "use_sliding_window": true,
                "layer_types": ["full_attention", "sliding_attention"]})",
            {0, 8});
        row("Qwen3-MoE: switched off", "qwen3_moe", R"({"num_hidden_layers": 2})", {0, 0});
        row("Qwen3-MoE: every layer", "qwen3_moe",
            R"({"num_hidden_layers": 2, "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1})",
            {8, 8});
    }
    void layersVaryAsTheFamilySays()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, changes);
        QFETCH(QList<int>, windows);
        const auto found = describeArchitecture(configOf(model.toStdString(), changes.constData()), kFamilies);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QList<int> read;
        for (const BlockSpec& block : found.value().blocks)
            read.push_back(int(block.find<AttentionSpec>()->window));
        QCOMPARE(read, windows);
    }

    void scaleOfAttention_data()
    {
        QTest::addColumn<QByteArray>("changes");
        QTest::addColumn<QList<double>>("scales"); // of heads of 12 channels
        const double scale = 1 / std::sqrt(12.0);
        QTest::addRow("as published") << QByteArray("{}") << QList<double> {scale, scale};
        QTest::addRow("by layer") << QByteArray(R"({"scale_attn_by_inverse_layer_idx": true})")
                                  << QList<double> {scale, scale / 2};
        QTest::addRow("not by head") << QByteArray(R"({"scale_attn_weights": false})") << QList<double> {1, 1};
        QTest::addRow("by layer alone")
            << QByteArray(R"({"scale_attn_weights": false, "scale_attn_by_inverse_layer_idx": true})")
            << QList<double> {1, 0.5};
    }
    void scaleOfAttention()
    {
        QFETCH(QByteArray, changes);
        QFETCH(QList<double>, scales);
        const auto found = describeArchitecture(configOf("gpt2", changes.constData()), kFamilies);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(found.value().headDim, 12);
        QList<double> read;
        for (const BlockSpec& block : found.value().blocks)
            read.push_back(block.find<AttentionSpec>()->scale);
        QCOMPARE(read, scales);
    }

    void dynamicScalingByHand()
    {
        // theta 10000, d 4, context 8, factor 2: 16 tokens stretch it by (2 * 16/8 - 1)^(4/2) = 9 to 90000 = 300².
        const Json scaling = Json::parse(R"({"rope_type": "dynamic", "factor": 2})");
        const RotarySpec found = rotarySpec({.dimension = 4, .maxPositions = 8}, scaling).value();
        const auto isNear = [](const RotaryAngles& angles, double second) {
            return angles.inverseFrequencies.size() == 2 && angles.inverseFrequencies[0] == 1 &&
                   std::fabs(angles.inverseFrequencies[1] - second) < 1e-15 && angles.amplitude == 1;
        };
        QVERIFY(isNear(found.anglesFor(1), 1.0 / 100));
        QVERIFY(isNear(found.anglesFor(8), 1.0 / 100));
        QVERIFY(isNear(found.anglesFor(16), 1.0 / 300));
        QVERIFY(!found.hasAnglesOfItsOwn(8) && found.hasAnglesOfItsOwn(9));
    }

    void longropeHasTwoSetsOfAngles()
    {
        const Json scaling = Json::parse(R"({"rope_type": "longrope", "short_factor": [1, 2], "long_factor": [4, 5],
            "short_mscale": 1.5, "long_mscale": 1.75, "original_max_position_embeddings": 8})");
        const RotarySpec found = rotarySpec({.dimension = 4, .amplitudeByLength = true}, scaling).value();
        QCOMPARE(found.anglesFor(8), (RotaryAngles {{1, 0.01 / 2}, 1.5}));
        QCOMPARE(found.anglesFor(9), (RotaryAngles {{1.0 / 4, 0.01 / 5}, 1.75}));
        QVERIFY(!rotarySpec({.dimension = 4}, scaling).ok()); // other families do not read short_mscale
    }

    void yarnByHand()
    {
        // theta 10000, d 8, original 64: pairs 0.. turn 64/(2 pi) = 10.2, 1.02, 0.10, 0.01 times.
        // beta_fast 8 at pair 0.105 -> 0, beta_slow 1 at pair 1.008 -> 2: ramp 0, 1/2, 1, 1.
        const Json scaling = Json::parse(R"({"rope_type": "yarn", "factor": 4, "beta_fast": 8, "beta_slow": 1,
            "original_max_position_embeddings": 64})");
        const RotarySpec found = rotarySpec({.dimension = 8}, scaling).value();
        const std::vector<double> expected {1, 0.5 * 0.1 / 4 + 0.5 * 0.1, 0.01 / 4, 0.001 / 4};
        for (std::size_t i = 0; i < expected.size(); ++i)
            QVERIFY(std::fabs(found.angles.inverseFrequencies[i] - expected[i]) < 1e-15);
        QCOMPARE(found.angles.amplitude, 0.1 * std::log(4.0) + 1);
    }

    void missingFamilyFilesSayInstallAgain()
    {
        const auto found = describeArchitecture(configWith("{}"), "/nowhere");
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, ErrorCode::NotFound);
    }

    void tensorsAreCompared()
    {
        const Architecture architecture = describeArchitecture(configWith("{}"), kFamilies).value();
        TableOnly checkpoint(configWith("{}"), architecture);
        QVERIFY(requireSupported(architecture, checkpoint).ok());
        checkpoint.add("model.layers.0.self_attn.rotary_emb.inv_freq", {16}); // a legacy buffer
        QVERIFY(compareTensors(architecture, checkpoint).unknown.empty());
        checkpoint.add("model.layers.0.extra", {1});
        checkpoint.add("model.norm.weight", {64});
        checkpoint.remove("model.layers.1.mlp.up_proj.weight");
        const TensorReport report = compareTensors(architecture, checkpoint);
        QCOMPARE(report.unknown, std::vector<std::string> {"model.layers.0.extra"});
        QCOMPARE(report.missing, std::vector<std::string> {"model.layers.1.mlp.up_proj.weight"});
        QCOMPARE(report.mismatched, std::vector<std::string> {"model.norm.weight is [64], expected [128]"});
        const Status status = requireSupported(architecture, checkpoint);
        QVERIFY(!status.ok());
        QCOMPARE(status.error().code, ErrorCode::Corrupt);
    }

    void absentHeadMeansTiedEmbeddings()
    {
        const Json config = configWith(R"({"tie_word_embeddings": false})");
        TableOnly checkpoint(config, describeArchitecture(config, kFamilies).value());
        QCOMPARE(describeArchitecture(checkpoint, kFamilies).value().head.weight, std::string("lm_head.weight"));
        checkpoint.remove("lm_head.weight");
        const Architecture tied = describeArchitecture(checkpoint, kFamilies).value();
        QVERIFY(tied.tiedEmbeddings);
        QVERIFY(requireSupported(tied, checkpoint).ok());
    }

    void llama3ScalingByHand()
    {
        // theta 10000, d 8: frequencies 1, 0.1, 0.01, 0.001; wavelengths 6.28, 62.8, 628, 6283.
        const Json scaling = Json::parse(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
            "high_freq_factor": 4, "original_max_position_embeddings": 128})");
        const std::vector<double> found = rotarySpec({.dimension = 8}, scaling).value().angles.inverseFrequencies;
        const double smooth = (128 / (20 * std::numbers::pi) - 1) / 3;
        const std::vector<double> expected {1, (1 - smooth) * 0.1 / 8 + smooth * 0.1, 0.01 / 8, 0.001 / 8};
        for (std::size_t i = 0; i < expected.size(); ++i)
            QVERIFY(std::fabs(found[i] - expected[i]) < 1e-15);
    }
};

QTEST_GUILESS_MAIN(TstArchitecture)
#include "tst_architecture.moc"
