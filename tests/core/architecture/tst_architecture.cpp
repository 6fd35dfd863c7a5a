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

/// The configuration of the bundled model with some keys replaced or (value "absent") removed.
Json configWith(const char* changes)
{
    const auto text = readTextFile(PARETOSCOPE_RESOURCES "/models/tiny-llama/config.json");
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
        QCOMPARE(architecture.blocks[3].find<MlpSpec>()->down.weight(), std::string("model.layers.3.mlp.down_proj.weight"));
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
        const std::vector<double> found = rotarySpec({.dimension = 8}, scaling).value().inverseFrequencies;
        const double smooth = (128 / (20 * std::numbers::pi) - 1) / 3;
        const std::vector<double> expected {1, (1 - smooth) * 0.1 / 8 + smooth * 0.1, 0.01 / 8, 0.001 / 8};
        for (std::size_t i = 0; i < expected.size(); ++i)
            QVERIFY(std::fabs(found[i] - expected[i]) < 1e-15);
    }
};

QTEST_GUILESS_MAIN(TstArchitecture)
#include "tst_architecture.moc"
