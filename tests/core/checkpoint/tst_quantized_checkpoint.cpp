// SPDX-License-Identifier: Apache-2.0
// Quantised Hugging Face folders against the reference files, and small ones made by hand.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_writer.h"

#include "tests/core/checkpoint/model_folder.h"

#include <QtTest>

#include <cstring>
#include <string>
#include <vector>

using namespace paretoscope::core;
using namespace paretoscope::test;

namespace {

struct Part
{
    TensorDeclaration tensor;
    std::vector<std::byte> data;
};

template <typename T>
Part part(const std::string& name, ElementType type, std::vector<std::int64_t> shape, const std::vector<T>& values)
{
    const auto bytes = std::as_bytes(std::span(values));
    return {{name, type, std::move(shape)}, {bytes.begin(), bytes.end()}};
}

/// Writes a model folder and opens it.
Result<std::unique_ptr<Checkpoint>> open(const ModelFolder& folder, const std::string& quantization,
                                         const std::vector<Part>& parts)
{
    folder.write("config.json", R"({"model_type":"llama","quantization_config":)" + quantization + "}");
    std::vector<TensorDeclaration> tensors;
    for (const Part& item : parts)
        tensors.push_back(item.tensor);
    auto writer = SafetensorsWriter::create(folder / "model.safetensors", tensors, {.metadata = {}, .overwrite = true});
    if (!writer.ok())
        return writer.error();
    for (const Part& item : parts)
        PSC_TRY(writer.value().append(item.tensor.name, item.data));
    PSC_TRY(writer.value().finish());
    return openCheckpoint(folder.path());
}

std::vector<float> read(const Checkpoint& checkpoint, const std::string& name)
{
    const TensorInfo* info = checkpoint.find(name);
    std::vector<float> values(info ? static_cast<std::size_t>(info->elements()) : 0);
    return checkpoint.readFloat32(name, values).ok() ? values : std::vector<float> {};
}

/// Codes packed without gaps, lowest bit first, into 32-bit words.
std::vector<std::int32_t> packed(const std::vector<std::uint32_t>& codes, int bits)
{
    std::vector<std::uint32_t> words((codes.size() * static_cast<std::size_t>(bits) + 31) / 32);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        for (std::size_t b = 0; b < static_cast<std::size_t>(bits); ++b) {
            const std::size_t bit = i * static_cast<std::size_t>(bits) + b;
            words[bit / 32] |= ((codes[i] >> b) & 1U) << (bit % 32);
        }
    }
    return {words.begin(), words.end()};
}

std::vector<std::uint8_t> repeated(const std::vector<std::uint8_t>& bytes, int times)
{
    std::vector<std::uint8_t> all;
    for (int i = 0; i < times; ++i)
        all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
}

/// The 32 inputs of one output: every code of e2m1 twice, in the order 0, 1, ..., 15, 0, ...
std::vector<std::uint8_t> everyCodeTwice()
{
    return repeated({0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe}, 2);
}

constexpr char kPack[] = R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":
    {"targets":["Linear"],"weights":{"num_bits":3,"type":"int","strategy":"channel"},"input_activations":null}}})";

} // namespace

class TstQuantizedCheckpoint : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void weightsEqualTheReference_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<qint64>("storedBytes"); // of down_proj, by hand from the shapes of its parts
        const auto row = [](const char* name, qint64 bytes) {
            QTest::addRow("%s", name) << QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/formats/") + QLatin1String(name)
                                      << bytes;
        };
        const qint64 codes = 128 * 96 / 2;
        const qint64 scales = 128 * 3 * 2;
        row("ct_w4a16_sym_g32", codes + scales + 16);
        row("ct_w4a16_asym_g32", codes + scales + 16 + 128 * 3 / 2);
        row("gptq_v1_g32", codes + scales + 128 * 3 / 2 + 96 * 4);
        row("gptq_v1_g32_desc_act", codes + scales + 128 * 3 / 2 + 96 * 4);
        row("awq_gemm_g32", codes + scales + 128 * 3 / 2);
    }
    void weightsEqualTheReference()
    {
        QFETCH(QString, folder);
        QFETCH(qint64, storedBytes);
        const auto opened = openCheckpoint(folder.toStdString());
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const auto golden = SafetensorsFile::open(folder.toStdString() + "/golden.safetensors");
        QVERIFY(golden.ok());
        int compared = 0;
        for (const SafetensorsEntry& entry : golden.value().tensors()) {
            if (entry.name.starts_with("logits_"))
                continue;
            const TensorInfo* info = opened.value()->find(entry.name);
            QVERIFY2(info && info->shape == entry.shape, entry.name.c_str());
            const std::vector<float> expected = golden.value().readFloat32(entry.name).value();
            const std::vector<float> actual = read(*opened.value(), entry.name);
            QVERIFY2(actual.size() == expected.size() &&
                         std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)) == 0,
                     entry.name.c_str());
            ++compared;
        }
        QCOMPARE(compared, 7);
        QCOMPARE(opened.value()->tensors().size(), std::size_t(7 + 5)); // and embedding, head, three norms
        QVERIFY(!opened.value()->config().contains("quantization_config"));
        QCOMPARE(qint64(opened.value()->find("model.layers.0.mlp.down_proj.weight")->stored.value), storedBytes);
        // Nothing of the file is forgotten or counted twice.
        QFile file(folder + QStringLiteral("/model.safetensors"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        std::uint64_t header = 0;
        QCOMPARE(file.read(reinterpret_cast<char*>(&header), 8), qint64(8));
        QCOMPARE(qint64(opened.value()->storedBytes().value), file.size() - 8 - qint64(header));
        opened.value()->releasePages("model.layers.0.mlp.down_proj.weight");
        QCOMPARE(opened.value()->rawBytes("model.layers.0.mlp.down_proj.weight").error().code, ErrorCode::Unsupported);
    }

    void threeBitCodesStraddleWords()
    {
        // One output, eleven inputs: 33 bits. Codes 0..7, 7, 6, 5; value = scale*(code - 4).
        const ModelFolder folder;
        const std::vector<std::uint32_t> codes {0, 1, 2, 3, 4, 5, 6, 7, 7, 6, 5};
        const auto opened = open(folder, kPack,
                                 {part("a.weight_packed", ElementType::I32, {1, 2}, packed(codes, 3)),
                                  part<std::int64_t>("a.weight_shape", ElementType::I64, {2}, {1, 11}),
                                  part<float>("a.weight_scale", ElementType::F32, {1, 1}, {0.5F})});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        std::vector<float> expected;
        for (const std::uint32_t code : codes)
            expected.push_back(0.5F * (static_cast<float>(code) - 4));
        QCOMPARE(read(*opened.value(), "a.weight"), expected);
    }

    void oldThreeBitPackingHasGaps()
    {
        // Ten codes a word: 21 inputs take three words where the stream without gaps would take two.
        const ModelFolder folder;
        std::vector<std::int32_t> words(3);
        std::vector<float> expected;
        for (int i = 0; i < 21; ++i) {
            words[static_cast<std::size_t>(i / 10)] |= (i % 8) << (3 * (i % 10));
            expected.push_back(static_cast<float>(i % 8 - 4));
        }
        const auto opened = open(folder, kPack,
                                 {part("a.weight_packed", ElementType::I32, {1, 3}, words),
                                  part<std::int64_t>("a.weight_shape", ElementType::I64, {2}, {1, 21}),
                                  part<float>("a.weight_scale", ElementType::F32, {1, 1}, {1})});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(read(*opened.value(), "a.weight"), expected);
    }

    void gptqVersionsDifferByOne_data()
    {
        QTest::addColumn<std::string>("format");
        QTest::addColumn<float>("zero");    // of stored code 7
        QTest::addColumn<float>("wrapped"); // of stored code 15
        QTest::addRow("no format is version 1") << std::string() << 8.0F << 0.0F;
        QTest::addRow("version 1") << std::string(R"(,"checkpoint_format":"gptq")") << 8.0F << 0.0F;
        QTest::addRow("version 2") << std::string(R"(,"checkpoint_format":"gptq_v2")") << 7.0F << 15.0F;
    }
    void gptqVersionsDifferByOne()
    {
        QFETCH(std::string, format);
        QFETCH(float, zero);
        QFETCH(float, wrapped);
        const ModelFolder folder;
        // Eight inputs, eight outputs; every code 9; zero code 7, of the last output 15.
        const auto opened =
            open(folder, R"({"quant_method":"gptq","bits":4,"group_size":-1)" + format + "}",
                 {part("a.qweight", ElementType::I32, {1, 8}, std::vector<std::uint32_t>(8, 0x99999999U)),
                  part<std::uint32_t>("a.qzeros", ElementType::I32, {1, 1}, {0xf7777777U}),
                  part<float>("a.scales", ElementType::F32, {1, 8}, std::vector<float>(8, 2.0F))});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const std::vector<float> values = read(*opened.value(), "a.weight");
        QCOMPARE(values.size(), std::size_t(64));
        QCOMPARE(values[0], 2 * (9 - zero));
        QCOMPARE(values[63], 2 * (9 - wrapped));
    }

    void awqInterleavesEightColumns()
    {
        // The word of codes 0..7 in columns 0..7; zero point 0.
        const ModelFolder folder;
        const auto opened = open(folder, R"({"quant_method":"awq","bits":4,"group_size":-1,"version":"GEMM"})",
                                 {part<std::uint32_t>("a.qweight", ElementType::I32, {1, 1}, {0x75316420U}),
                                  part<std::uint32_t>("a.qzeros", ElementType::I32, {1, 1}, {0}),
                                  part<float>("a.scales", ElementType::F32, {1, 8}, std::vector<float>(8, 1.0F))});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(read(*opened.value(), "a.weight"), (std::vector<float> {0, 1, 2, 3, 4, 5, 6, 7}));
    }

    void blockScaledFp8HasPartialBlocks()
    {
        // 3 x 5 in blocks of 2 x 4: every weight 1.5 times the scale of its block.
        const ModelFolder folder;
        const auto opened =
            open(folder, R"({"quant_method":"fp8","weight_block_size":[2,4],"activation_scheme":"dynamic"})",
                 {part("a.weight", ElementType::F8E4M3, {3, 5}, std::vector<std::uint8_t>(15, 0x3c)),
                  part<float>("a.weight_scale_inv", ElementType::F32, {2, 2}, {1, 2, 4, 8})});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(read(*opened.value(), "a.weight"),
                 (std::vector<float> {1.5F, 1.5F, 1.5F, 1.5F, 3, 1.5F, 1.5F, 1.5F, 1.5F, 3, 6, 6, 6, 6, 12}));
        QCOMPARE(opened.value()->find("a.weight")->stored.value, std::int64_t(15 + 16));
        QCOMPARE(opened.value()->warnings().size(), std::size_t(1));
        QVERIFY(!opened.value()->find("a.weight_scale_inv"));
    }

    void fp8WeightsWithoutScalesAreRefused()
    {
        const ModelFolder folder;
        const auto opened = open(folder, R"({"quant_method":"fp8","weight_block_size":[2,4]})",
                                 {part("a.weight", ElementType::F8E4M3, {3, 5}, std::vector<std::uint8_t>(15, 0x3c)),
                                  part<float>("b.weight", ElementType::F32, {1}, {1})});
        QVERIFY(!opened.ok());
        QCOMPARE(opened.error().code, ErrorCode::Corrupt);
        QVERIFY2(opened.error().message.find("layer \"a\": its part \"weight_scale_inv\" is missing") !=
                     std::string::npos,
                 opened.error().message.c_str());
    }

    void integerAndFloatWeightsHaveScales_data()
    {
        // Weights of bytes 0x38, 0xb0: 56 and -80 as integers, 1 and -0.5 as e4m3.
        QTest::addColumn<int>("type");
        QTest::addColumn<std::string>("weights");
        QTest::addColumn<std::vector<std::int64_t>>("scaleShape");
        QTest::addColumn<std::vector<float>>("scales");
        QTest::addColumn<std::vector<float>>("expected");
        using Shape = std::vector<std::int64_t>;
        using Values = std::vector<float>;
        const int integer = static_cast<int>(ElementType::I8);
        const int real = static_cast<int>(ElementType::F8E4M3);
        const std::string channel = R"({"num_bits":8,"strategy":"channel"})";
        const std::string pairs = R"({"num_bits":8,"group_size":1})";
        const std::string blocks = R"({"num_bits":8,"block_structure":[2,1]})";
        QTest::addRow("int8 per output") << integer << channel << Shape {2, 1} << Values {1, 0.5F}
                                         << Values {56, -80, 28, -40};
        QTest::addRow("int8 with one scale")
            << integer << channel << Shape {1} << Values {2} << Values {112, -160, 112, -160};
        QTest::addRow("fp8 per output") << real << channel << Shape {2, 1} << Values {1, 2} << Values {1, -0.5F, 2, -1};
        QTest::addRow("fp8 in groups") << real << pairs << Shape {2, 2} << Values {1, 2, 4, 8} << Values {1, -1, 4, -4};
        QTest::addRow("fp8 in blocks") << real << blocks << Shape {1, 2} << Values {2, 4} << Values {2, -2, 2, -2};
    }
    void integerAndFloatWeightsHaveScales()
    {
        QFETCH(int, type);
        QFETCH(std::string, weights);
        QFETCH(std::vector<std::int64_t>, scaleShape);
        QFETCH(std::vector<float>, scales);
        QFETCH(std::vector<float>, expected);
        const ModelFolder folder;
        const std::string config = R"({"quant_method":"compressed-tensors","config_groups":{"g":{"weights":)" +
                                   weights + R"(,"input_activations":{"num_bits":8}}}})";
        const std::vector<std::uint8_t> codes {0x38, 0xb0, 0x38, 0xb0};
        const auto opened = open(folder, config,
                                 {part("a.weight", static_cast<ElementType>(type), {2, 2}, codes),
                                  part("a.weight_scale", ElementType::F32, scaleShape, scales)});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(read(*opened.value(), "a.weight"), expected);
        QCOMPARE(opened.value()->warnings().size(), std::size_t(1)); // activations are quantised too
    }

    void fourBitFloatsUseTheirScales()
    {
        const ModelFolder folder;
        const std::string config = R"({"quant_method":"compressed-tensors","config_groups":{"NVFP4":["Linear"]}})";
        const std::vector<std::uint8_t> codes(16, 0xb2); // 1, -1.5
        const auto nv = open(folder, config,
                             {part("a.weight_packed", ElementType::U8, {1, 16}, codes),
                              part<std::uint8_t>("a.weight_scale", ElementType::F8E4M3, {1, 2}, {0x38, 0x40}),
                              part<float>("a.weight_global_scale", ElementType::F32, {1}, {4})});
        QVERIFY2(nv.ok(), nv.ok() ? "" : nv.error().sentence().c_str());
        const std::vector<float> values = read(*nv.value(), "a.weight");
        QCOMPARE(values.size(), std::size_t(32));
        QCOMPARE(values[0], 0.25F);
        QCOMPARE(values[1], -0.375F);
        QCOMPARE(values[31], -0.75F);
        const auto mx = open(folder, config,
                             {part("a.weight_packed", ElementType::U8, {1, 16}, codes),
                              part<std::uint8_t>("a.weight_scale", ElementType::U8, {1, 1}, {129})});
        QVERIFY2(mx.ok(), mx.ok() ? "" : mx.error().sentence().c_str());
        QCOMPARE(read(*mx.value(), "a.weight")[31], -6.0F);
    }

    void mxfp4StacksAreReadAsTheirTranspose()
    {
        // Two matrices of two outputs and 32 inputs; scales 2^0, 2^2, 2^-127 and 2^125.
        const ModelFolder folder;
        const auto opened =
            open(folder, R"({"quant_method":"mxfp4","modules_to_not_convert":["model.layers.*.self_attn","a.gate"]})",
                 {part("a.experts.up_blocks", ElementType::U8, {2, 2, 1, 16}, repeated(everyCodeTwice(), 4)),
                  part<std::uint8_t>("a.experts.up_scales", ElementType::U8, {2, 2, 1}, {127, 129, 0, 252}),
                  part<float>("a.gate", ElementType::F32, {2, 3}, {1, 2, 3, 4, 5, 6})});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const Checkpoint& checkpoint = *opened.value();
        const TensorInfo* info = checkpoint.find("a.experts.up");
        QVERIFY(info && checkpoint.tensors().size() == 2);
        QCOMPARE(info->shape, (std::vector<std::int64_t> {2, 32, 2}));
        QCOMPARE(layoutOf(info->type).name, std::string_view("mxfp4"));
        QCOMPARE(info->stored.value, std::int64_t(4 * (16 + 1)));
        const std::vector<float> codes {0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
        const std::vector<float> factors {1, 4, 0x1p-127F, 0x1p125F};
        std::vector<float> expected;
        for (std::size_t matrix = 0; matrix < 2; ++matrix) {
            for (std::size_t input = 0; input < 32; ++input) {
                for (std::size_t output = 0; output < 2; ++output)
                    expected.push_back(codes[input % 16] * factors[2 * matrix + output]);
            }
        }
        const std::vector<float> whole = read(checkpoint, "a.experts.up");
        QCOMPARE(whole.size(), expected.size());
        QVERIFY(std::memcmp(whole.data(), expected.data(), whole.size() * sizeof(float)) == 0); // zeros with their sign
        std::vector<float> second(64);
        QVERIFY(checkpoint.readSlice("a.experts.up", 1, second).ok());
        QVERIFY(std::memcmp(second.data(), expected.data() + 64, second.size() * sizeof(float)) == 0);
        QCOMPARE(checkpoint.readSlice("a.experts.up", 2, second).error().code, ErrorCode::InvalidArgument);
        std::vector<float> row(3);
        QVERIFY(checkpoint.readSlice("a.gate", 1, row).ok());
        QCOMPARE(row, (std::vector<float> {4, 5, 6}));
        QCOMPARE(checkpoint.readSlice("a.gate", 1, second).error().code, ErrorCode::InvalidArgument);
        QCOMPARE(checkpoint.readSlice("a.none", 0, row).error().code, ErrorCode::NotFound);
        QVERIFY(checkpoint.warnings().empty());
    }

    void mxfp4ThatDoesNotFitIsRefused_data()
    {
        QTest::addColumn<std::string>("config");
        QTest::addColumn<std::vector<std::int64_t>>("blocks"); // shapes; empty: absent
        QTest::addColumn<std::vector<std::int64_t>>("scales");
        QTest::addColumn<bool>("isPlainToo");
        QTest::addColumn<std::string>("fragment");
        using Shape = std::vector<std::int64_t>;
        const std::string config = R"({"quant_method":"mxfp4"})";
        const auto row = [&](const char* tag, const Shape& blocks, const Shape& scales, const char* fragment) {
            QTest::addRow("%s", tag) << config << blocks << scales << false << std::string(fragment);
        };
        row("no scales", {1, 2, 1, 16}, {}, "\"scales\" is missing");
        row("no blocks", {}, {1, 2, 1}, "\"blocks\" is missing");
        row("scales of other outputs", {1, 2, 1, 16}, {1, 1, 1}, "do not fit together");
        row("scales of other groups", {1, 2, 1, 16}, {1, 2, 2}, "do not fit together");
        row("groups of another length", {1, 2, 1, 8}, {1, 2, 1}, "do not fit together");
        row("no matrices", {0, 2, 1, 16}, {0, 2, 1}, "do not fit together");
        row("one matrix without a stack", {2, 1, 16}, {2, 1}, "4 dimensions is expected");
        const Shape blocks {1, 2, 1, 16};
        const Shape scales {1, 2, 1};
        QTest::addRow("plain too") << config << blocks << scales << true << std::string("both in MXFP4 and plain");
        QTest::addRow("should be dense")
            << std::string(R"({"quant_method":"mxfp4","modules_to_not_convert":["lm_head","a.*.up"]})") << blocks
            << scales << false << std::string("modules_to_not_convert names it (\"a.*.up\")");
        QTest::addRow("dense modules are no list")
            << std::string(R"({"quant_method":"mxfp4","modules_to_not_convert":"lm_head"})") << blocks << scales
            << false << std::string("no list of texts");
        QTest::addRow("no configuration")
            << std::string("null") << blocks << scales << false << std::string("has no quantization_config");
    }
    void mxfp4ThatDoesNotFitIsRefused()
    {
        QFETCH(std::string, config);
        QFETCH(std::vector<std::int64_t>, blocks);
        QFETCH(std::vector<std::int64_t>, scales);
        QFETCH(bool, isPlainToo);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        std::vector<Part> parts;
        const auto add = [&](const char* name, const std::vector<std::int64_t>& shape) {
            const auto bytes = static_cast<std::size_t>(elementCount(shape).value());
            parts.push_back(part(name, ElementType::U8, shape, std::vector<std::uint8_t>(bytes, 127)));
        };
        if (!blocks.empty())
            add("a.experts.up_blocks", blocks);
        if (!scales.empty())
            add("a.experts.up_scales", scales);
        if (isPlainToo)
            parts.push_back(part<float>("a.experts.up", ElementType::F32, {1}, {1}));
        const auto opened = open(folder, config, parts);
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos && !opened.error().hint.empty(), sentence.c_str());
    }

    void mxfp4ScalesThatAreNoNumbersAreRefusedWhenRead_data()
    {
        QTest::addColumn<int>("scale");
        QTest::addColumn<std::string>("fragment");
        QTest::addRow("largest") << 252 << std::string();
        QTest::addRow("too large") << 253 << std::string("the scale 253 at [1, 1, 0] is too large for float32");
        QTest::addRow("no number") << 255 << std::string("the scale 255 at [1, 1, 0] is no number");
    }
    void mxfp4ScalesThatAreNoNumbersAreRefusedWhenRead()
    {
        QFETCH(int, scale);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        const auto opened =
            open(folder, R"({"quant_method":"mxfp4"})",
                 {part("up_blocks", ElementType::U8, {2, 2, 1, 16}, repeated(everyCodeTwice(), 4)),
                  part<std::uint8_t>("up_scales", ElementType::U8, {2, 2, 1}, {127, 127, 127, std::uint8_t(scale)})});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        std::vector<float> whole(128);
        std::vector<float> matrix(64);
        QVERIFY(opened.value()->readSlice("up", 0, matrix).ok()); // nothing is wrong with the first matrix
        for (const Status& status :
             {opened.value()->readFloat32("up", whole), opened.value()->readSlice("up", 1, matrix)}) {
            QCOMPARE(status.ok(), fragment.empty());
            if (!status.ok())
                QVERIFY2(status.error().message.find(fragment) != std::string::npos, status.error().message.c_str());
        }
    }

    void quantizeConfigFileIsRead()
    {
        const ModelFolder folder;
        folder.write("quantize_config.json", R"({"bits":4,"group_size":-1})");
        const auto opened =
            open(folder, "null",
                 {part("a.qweight", ElementType::I32, {1, 8}, std::vector<std::uint32_t>(8, 0x99999999U)),
                  part<std::uint32_t>("a.qzeros", ElementType::I32, {1, 1}, {0x77777777U}),
                  part<float>("a.scales", ElementType::F32, {1, 8}, std::vector<float>(8, 2.0F))});
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        QCOMPARE(read(*opened.value(), "a.weight")[0], 2.0F);
        QCOMPARE(opened.value()->files()[1].filename().string(), std::string("quantize_config.json"));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("config");
        QTest::addColumn<std::string>("fragment");
        const auto row = [](const char* tag, const char* config, const char* fragment) {
            QTest::addRow("%s", tag) << std::string(config) << std::string(fragment);
        };
        row("bitsandbytes", R"({"quant_method":"bitsandbytes","load_in_4bit":true})",
            "\"bitsandbytes\" is not supported");
        row("bitsandbytes, unnamed", R"({"load_in_8bit":true})", "\"bitsandbytes\" is not supported");
        row("HQQ", R"({"quant_method":"hqq"})", "\"hqq\" is not supported");
        row("no object", R"("gptq")", "is no object");
        row("no configuration", "null", "stored quantised, but config.json has no");
        row("5 bits", R"({"quant_method":"gptq","bits":5})", "5 bits is not supported");
        row("bits are text", R"({"quant_method":"gptq","bits":"4"})", "bits is no integer");
        row("marlin", R"({"quant_method":"gptq","bits":4,"checkpoint_format":"marlin"})",
            "\"marlin\" is not supported");
        row("other bits than stored", R"({"quant_method":"gptq","bits":8,"group_size":32})", "do not fit together");
        row("other groups than stored", R"({"quant_method":"gptq","bits":4,"group_size":4})", "do not fit together");
        row("AWQ gemv", R"({"quant_method":"awq","version":"gemv"})", "\"gemv\" is not supported");
        row("AWQ shapes", R"({"quant_method":"awq","group_size":32})", "do not fit together");
        row("fp8 without blocks", R"({"quant_method":"fp8"})", "weight_block_size");
        row("fp8 blocks of nothing", R"({"quant_method":"fp8","weight_block_size":[0,1]})", "weight_block_size");
        row("sparse", R"({"quant_method":"compressed-tensors","format":"marlin-24"})", "sparse format");
        row("no groups", R"({"quant_method":"compressed-tensors"})", "config_groups is missing");
    }
    void refuses()
    {
        QFETCH(std::string, config);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        const auto opened = open(folder, config,
                                 {part("a.qweight", ElementType::I32, {1, 8}, std::vector<std::uint32_t>(8, 0)),
                                  part<std::uint32_t>("a.qzeros", ElementType::I32, {1, 1}, {0}),
                                  part<float>("a.scales", ElementType::F32, {1, 8}, std::vector<float>(8, 1.0F))});
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos && !opened.error().hint.empty(), sentence.c_str());
        QVERIFY2(sentence.starts_with(folder.path().string()), sentence.c_str());
    }

    void partsThatDoNotFitAreRefused_data()
    {
        QTest::addColumn<std::vector<std::int32_t>>("groupIndex");
        QTest::addColumn<std::vector<std::int64_t>>("zeroShape");
        QTest::addColumn<std::string>("fragment");
        using Indices = std::vector<std::int32_t>;
        using Shape = std::vector<std::int64_t>;
        QTest::addRow("group that does not exist")
            << Indices {0, 0, 0, 0, 0, 0, 0, 1} << Shape {1, 1} << std::string("group 1");
        QTest::addRow("too few indices") << Indices {0, 0} << Shape {1, 1} << std::string("do not fit");
        QTest::addRow("too many zeros") << Indices(8, 0) << Shape {1, 2} << std::string("do not fit");
        QTest::addRow("zeros of other groups") << Indices(8, 0) << Shape {2, 1} << std::string("do not fit");
        QTest::addRow("zeros in one dimension")
            << Indices(8, 0) << Shape {1} << std::string("2 dimensions is expected");
    }
    void partsThatDoNotFitAreRefused()
    {
        QFETCH(std::vector<std::int32_t>, groupIndex);
        QFETCH(std::vector<std::int64_t>, zeroShape);
        QFETCH(std::string, fragment);
        const ModelFolder folder;
        const auto zeros = static_cast<std::size_t>(elementCount(zeroShape).value());
        const auto opened = open(folder, R"({"quant_method":"gptq","bits":4,"group_size":8})",
                                 {part("a.qweight", ElementType::I32, {1, 8}, std::vector<std::uint32_t>(8, 0)),
                                  part("a.qzeros", ElementType::I32, zeroShape, std::vector<std::uint32_t>(zeros, 0)),
                                  part("a.g_idx", ElementType::I32, {std::int64_t(groupIndex.size())}, groupIndex),
                                  part<float>("a.scales", ElementType::F32, {1, 8}, std::vector<float>(8, 1.0F))});
        QVERIFY(!opened.ok());
        const std::string sentence = opened.error().sentence();
        QVERIFY2(sentence.find(fragment) != std::string::npos && sentence.find("\"a\"") != std::string::npos,
                 sentence.c_str());
    }
};

QTEST_GUILESS_MAIN(TstQuantizedCheckpoint)
#include "tst_quantized_checkpoint.moc"
