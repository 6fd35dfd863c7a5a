// SPDX-License-Identifier: Apache-2.0
// GGUF values, names and configuration against the reference files of tests/data/parity/formats.
#include "core/base/mapped_file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_file.h"
#include "core/checkpoint/safetensors_file.h"

#include <QtTest>

#include <cstring>
#include <string>
#include <vector>

using namespace paretoscope::core;

namespace {

const std::string kFormats = PARETOSCOPE_TEST_DATA "/parity/formats/";

/// "" when both are the same bit for bit, else the first difference.
std::string difference(const std::vector<float>& actual, const std::vector<float>& expected)
{
    if (actual.size() != expected.size())
        return std::to_string(actual.size()) + " elements, expected " + std::to_string(expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
        if (std::memcmp(&actual[i], &expected[i], sizeof(float)) != 0)
            return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", expected " +
                   std::to_string(expected[i]);
    }
    return {};
}

} // namespace

class TstGgufParity : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyTypeDequantisesToTheReferenceBits_data()
    {
        QTest::addColumn<std::string>("name");
        const auto file = GgufFile::open(kFormats + "gguf_types/types.gguf");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        for (const GgufTensor& tensor : file.value().tensors())
            QTest::addRow("%s", tensor.name.c_str()) << tensor.name;
    }
    void everyTypeDequantisesToTheReferenceBits()
    {
        QFETCH(std::string, name);
        const auto checkpoint = openCheckpoint(kFormats + "gguf_types/types.gguf");
        QVERIFY2(checkpoint.ok(), checkpoint.ok() ? "" : checkpoint.error().sentence().c_str());
        const auto golden = SafetensorsFile::open(kFormats + "gguf_types/golden.safetensors");
        QVERIFY2(golden.ok(), golden.ok() ? "" : golden.error().sentence().c_str());
        const auto expected = golden.value().readFloat32(name);
        QVERIFY2(expected.ok(), expected.ok() ? "" : expected.error().sentence().c_str());

        const TensorInfo* info = checkpoint.value()->find(name);
        QVERIFY(info);
        std::vector<float> actual(static_cast<std::size_t>(info->elements()));
        QVERIFY(checkpoint.value()->readFloat32(name, actual).ok());
        const std::string wrong = difference(actual, expected.value());
        QVERIFY2(wrong.empty(), wrong.c_str());
    }

    void llamaHasHuggingFaceTensors()
    {
        const auto checkpoint = openCheckpoint(kFormats + "gguf_llama/model.gguf");
        QVERIFY2(checkpoint.ok(), checkpoint.ok() ? "" : checkpoint.error().sentence().c_str());
        const auto golden = SafetensorsFile::open(kFormats + "gguf_llama/golden.safetensors");
        QVERIFY(golden.ok());
        int compared = 0;
        for (const SafetensorsEntry& entry : golden.value().tensors()) {
            if (entry.name.starts_with("logits_"))
                continue;
            const TensorInfo* info = checkpoint.value()->find(entry.name);
            QVERIFY2(info, entry.name.c_str());
            QVERIFY2(info->shape == entry.shape, entry.name.c_str());
            std::vector<float> actual(static_cast<std::size_t>(info->elements()));
            QVERIFY(checkpoint.value()->readFloat32(entry.name, actual).ok());
            const std::string wrong = difference(actual, golden.value().readFloat32(entry.name).value());
            QVERIFY2(wrong.empty(), (entry.name + ": " + wrong).c_str());
            ++compared;
        }
        QCOMPARE(std::size_t(compared), checkpoint.value()->tensors().size());
        QVERIFY(checkpoint.value()->warnings().empty());
    }

    void llamaHasHuggingFaceConfig()
    {
        const auto checkpoint = openCheckpoint(kFormats + "gguf_llama/model.gguf");
        QVERIFY(checkpoint.ok());
        const auto text = readTextFile(kFormats + "gguf_llama/golden.json");
        QVERIFY(text.ok());
        const Json expected = Json::parse(text.value()).at("hf_config");
        const Json& config = checkpoint.value()->config();
        for (const auto& [key, value] : config.items())
            QVERIFY2(expected.contains(key) && expected.at(key) == value, (key + " is " + value.dump()).c_str());
        for (const char* key : {"model_type", "hidden_size", "intermediate_size", "num_hidden_layers",
                                "num_attention_heads", "num_key_value_heads", "rms_norm_eps", "rope_theta",
                                "tie_word_embeddings", "vocab_size", "max_position_embeddings", "hidden_act"})
            QVERIFY2(config.contains(key), key);
    }

    void storedBytesAreThoseOfTheBlocks()
    {
        const auto checkpoint = openCheckpoint(kFormats + "gguf_llama/model.gguf");
        QVERIFY(checkpoint.ok());
        const TensorInfo* q = checkpoint.value()->find("model.layers.0.self_attn.q_proj.weight");
        QVERIFY(q);
        QCOMPARE(q->type, ElementType::Q4_0);
        QCOMPARE(q->stored.value, std::int64_t(64 * 64 / 32 * 18));
        QCOMPARE(checkpoint.value()->rawBytes(q->name).value().size(), std::size_t(q->stored.value));
        Bytes sum;
        for (const TensorInfo& tensor : checkpoint.value()->tensors())
            sum += tensor.stored;
        QCOMPARE(checkpoint.value()->storedBytes().value, sum.value);
    }
};

QTEST_GUILESS_MAIN(TstGgufParity)
#include "tst_gguf_parity.moc"
