// SPDX-License-Identifier: Apache-2.0
// Thousands of damaged copies of small sound files: every one ends in a value or an error, never in a crash, and
// whatever opens can be read. Seeded, so a failure repeats; the sanitizer presets make this sharp.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_checkpoint.h"
#include "core/checkpoint/gguf_file.h"
#include "core/checkpoint/safetensors_file.h"

#include "tests/core/checkpoint/gguf_builder.h"
#include "tests/core/checkpoint/model_folder.h"
#include "tests/core/checkpoint/safetensors_text.h"

#include <QtTest>

#include <fstream>
#include <random>
#include <string>

using namespace paretoscope::core;
using namespace paretoscope::test;

namespace {

constexpr unsigned kSeed = 20240611;
constexpr int kInMemory = 20'000;
constexpr int kOnDisk = 1'000;

std::string soundSafetensors()
{
    return safetensorsOf(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                         R"("a":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},)"
                         R"("i":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}  )",
                         std::string(40, 'x'));
}

std::string soundGguf()
{
    GgufBuilder builder;
    builder.string("general.architecture", "llama").u32("general.alignment", 32);
    builder.u32("llama.embedding_length", 32).u32("llama.block_count", 1).u32("llama.attention.head_count", 2);
    builder.u32("llama.attention.head_count_kv", 1).u32("llama.feed_forward_length", 4);
    builder.u32("llama.expert_count", 2).u32("llama.expert_used_count", 1);
    builder.f32("llama.attention.layer_norm_rms_epsilon", 1e-5F).string("llama.rope.scaling.type", "linear");
    builder.f32("llama.rope.scaling.factor", 2).strings("tokenizer.ggml.tokens", {"a", "bc", "def"});
    builder.array("tokenizer.ggml.scores", GgufValueType::F32, 3, bytesOf(std::vector<float> {1, 2, 3}));
    builder.f32Tensor("rope_freqs.weight", {2}, {1, 2});
    builder.tensor("token_embd.weight", {32, 3}, 2, std::string(54, 'x'));
    builder.tensor("blk.0.attn_q.weight", {32, 8}, 8, std::string(8 * 34, 'x'));
    builder.tensor("blk.0.attn_k.weight", {32, 4}, 39, std::string(4 * 17, 'x'));
    builder.tensor("blk.0.ffn_gate_exps.weight", {4, 4, 2}, 1, std::string(64, 'x'));
    builder.tensor("blk.0.ffn_down.weight", {256, 1}, 14, std::string(210, 'x'));
    builder.f32Tensor("output_norm.weight", {4}, {1, 2, 3, 4});
    return builder.bytes();
}

constexpr char kQuantization[] =
    R"({"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":)"
    R"({"g":{"weights":{"num_bits":4,"group_size":8,"block_structure":null},"input_activations":null}}}})";

/// A pack-quantized layer [8, 16] in groups of 8, asymmetric, with a permutation of groups.
std::string soundQuantized()
{
    const std::vector<std::int32_t> groups {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    return safetensorsOf(R"({"a.weight_shape":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},)"
                         R"("a.weight_packed":{"dtype":"I32","shape":[8,2],"data_offsets":[16,80]},)"
                         R"("a.weight_g_idx":{"dtype":"I32","shape":[16],"data_offsets":[80,144]},)"
                         R"("a.weight_zero_point":{"dtype":"I32","shape":[1,2],"data_offsets":[144,152]},)"
                         R"("a.weight_scale":{"dtype":"BF16","shape":[8,2],"data_offsets":[152,184]}} )",
                         bytesOf(std::vector<std::int64_t> {8, 16}) + std::string(64, 'x') + bytesOf(groups) +
                             std::string(40, 'y'));
}

/// One to four random changes: a bit, a byte, a telling 64-bit value, a cut, a repeated or a removed piece.
std::string damaged(std::string bytes, std::mt19937_64& random)
{
    const auto below = [&](std::size_t limit) {
        return static_cast<std::size_t>(random() % std::max<std::size_t>(1, limit));
    };
    constexpr std::uint64_t kTelling[] {
        0,           1,          0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
        0x100000000, 0xffffffff, 0x20000000000000,   0xfffffffffffffff8, 100'000'000};
    for (std::size_t change = 1 + below(4); change > 0 && !bytes.empty(); --change) {
        const std::size_t place = below(bytes.size());
        switch (below(6)) {
        case 0:
            bytes[place] = static_cast<char>(bytes[place] ^ (1 << below(8)));
            break;
        case 1:
            bytes[place] = static_cast<char>(random());
            break;
        case 2:
            bytes.replace(place, 8, bytesOf(kTelling[below(std::size(kTelling))]));
            break;
        case 3:
            bytes.resize(place);
            break;
        case 4:
            bytes.insert(place, bytes.substr(below(bytes.size()), below(40)));
            break;
        default:
            bytes.erase(place, below(40));
            break;
        }
    }
    return bytes;
}

void readEverything(const Checkpoint& checkpoint)
{
    constexpr std::int64_t kLargest = 1 << 20;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        std::vector<float> values(static_cast<std::size_t>(std::min(tensor.elements(), kLargest)));
        const Status status = checkpoint.readFloat32(tensor.name, values);
        Q_UNUSED(status);
        const auto raw = checkpoint.rawBytes(tensor.name);
        QVERIFY(raw.ok() != (tensor.type == ElementType::Packed));
        if (raw.ok())
            QCOMPARE(std::int64_t(raw.value().size()), tensor.stored.value);
    }
}

} // namespace

class TstDamagedFiles : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void safetensorsInMemory()
    {
        std::mt19937_64 random(kSeed);
        const std::string sound = soundSafetensors();
        QVERIFY(SafetensorsFile::parse(std::as_bytes(std::span(sound)), "m").ok());
        int opened = 0;
        for (int i = 0; i < kInMemory; ++i) {
            const std::string bytes = damaged(sound, random);
            const auto file = SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "m");
            if (!file.ok()) {
                QVERIFY(!file.error().message.empty() && !file.error().hint.empty());
                continue;
            }
            ++opened;
            for (const SafetensorsEntry& entry : file.value().tensors())
                (void)file.value().readFloat32(entry.name).ok();
        }
        QVERIFY2(opened > 0 && opened < kInMemory / 2,
                 std::to_string(opened).c_str()); // the damage is neither lame nor total
    }

    void ggufInMemory()
    {
        std::mt19937_64 random(kSeed);
        const std::string sound = soundGguf();
        QVERIFY(GgufFile::parse(std::as_bytes(std::span(sound)), "m").ok());
        int opened = 0;
        for (int i = 0; i < kInMemory; ++i) {
            const std::string bytes = damaged(sound, random);
            const auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "m");
            if (!file.ok()) {
                QVERIFY(!file.error().message.empty() && !file.error().hint.empty());
                continue;
            }
            ++opened;
            const GgufMetadata& metadata = file.value().metadata();
            for (const std::string& key : metadata.keys()) {
                (void)metadata.text(key).ok();
                (void)metadata.integer(key).ok();
                (void)metadata.number(key).ok();
                (void)metadata.texts(key).ok();
                (void)metadata.integers(key).ok();
                (void)metadata.numbers(key).ok();
            }
        }
        QVERIFY2(opened > 0 && opened < kInMemory * 3 / 4, std::to_string(opened).c_str());
    }

    void modelsOnDisk_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("sound");
        QTest::addRow("GGUF") << std::string("m.gguf") << soundGguf();
        QTest::addRow("safetensors") << std::string("model.safetensors") << soundSafetensors();
        QTest::addRow("quantised weights") << std::string("model.safetensors") << soundQuantized();
        QTest::addRow("index") << std::string("model.safetensors.index.json")
                               << std::string(R"({"metadata":{"total_size":40},"weight_map":{"b":"s.safetensors",)"
                                              R"("a":"s.safetensors","i":"s.safetensors"}})");
        QTest::addRow("quantised config") << std::string("config.json") << std::string(kQuantization);
        QTest::addRow("config") << std::string("config.json")
                                << std::string(R"({"model_type":"llama","hidden_size":4})");
    }
    void modelsOnDisk()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, sound);
        std::mt19937_64 random(kSeed);
        const ModelFolder folder;
        const bool quantized = sound == kQuantization || sound == soundQuantized();
        folder.write("config.json", quantized ? kQuantization : "{}");
        folder.write("s.safetensors", soundSafetensors());
        if (name == "config.json")
            folder.write("model.safetensors", quantized ? soundQuantized() : soundSafetensors());
        const auto model = name == "m.gguf" ? folder / name : folder.path();
        const auto put =
            [&](const std::string& bytes) { // a new file: neither fsync nor truncation, which wait for the disk
                std::filesystem::remove(folder / name);
                std::ofstream(folder / name, std::ios::binary) << bytes;
            };
        put(sound);
        const auto intact = openCheckpoint(model);
        QVERIFY2(intact.ok(), intact.ok() ? "" : intact.error().sentence().c_str());
        readEverything(*intact.value());
        for (int i = 0; i < kOnDisk; ++i) {
            put(damaged(sound, random));
            const auto opened = openCheckpoint(model);
            if (opened.ok())
                readEverything(*opened.value());
            else
                QVERIFY(!opened.error().message.empty() && !opened.error().hint.empty());
        }
    }
};

QTEST_GUILESS_MAIN(TstDamagedFiles)
#include "tst_damaged_files.moc"
