// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts in the quantised forms in which they are released: the graph reads the same weights, and gives
// the same logits, as from an unquantised folder of the values that the test decodes by the definition of the formats.
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

namespace fs = std::filesystem;

const fs::path kPacked = PARETOSCOPE_TEST_DATA "/families/gpt_oss_mxfp4";
const fs::path kDeepSeek = PARETOSCOPE_TEST_DATA "/parity/models/deepseek_v3";

/// The tensors and the configuration of a model folder that a test writes.
class Folder
{
public:
    core::Json config;

    template <typename T>
    void add(const std::string& name, core::ElementType type, std::vector<std::int64_t> shape,
             const std::vector<T>& values)
    {
        const auto bytes = std::as_bytes(std::span(values));
        m_tensors[name] = {{name, type, std::move(shape)}, {bytes.begin(), bytes.end()}};
    }
    core::Status write() const
    {
        std::vector<core::TensorDeclaration> tensors;
        for (const auto& [name, tensor] : m_tensors)
            tensors.push_back(tensor.declaration);
        PSC_ASSIGN(core::SafetensorsWriter writer,
                   core::SafetensorsWriter::create(path() / "model.safetensors", tensors));
        for (const auto& [name, tensor] : m_tensors)
            PSC_TRY(writer.append(name, tensor.bytes));
        PSC_TRY(writer.finish());
        return core::writeFileAtomically(path() / "config.json", config.dump());
    }
    fs::path path() const { return m_folder.path().toStdString(); }

private:
    struct Tensor
    {
        core::TensorDeclaration declaration;
        std::vector<std::byte> bytes;
    };
    QTemporaryDir m_folder;
    std::map<std::string, Tensor> m_tensors;
};

struct Loaded
{
    std::shared_ptr<const core::Checkpoint> checkpoint;
    std::shared_ptr<const LanguageModel> graph;
    std::shared_ptr<const ModelTensors> tensors;
};

/// Errors also: the folder holds a tensor that the graph does not read.
core::Result<Loaded> load(const fs::path& folder)
{
    PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(folder));
    PSC_ASSIGN(core::Architecture architecture,
               core::describeArchitecture(*opened, PARETOSCOPE_RESOURCES "/architectures"));
    PSC_TRY(core::requireSupported(architecture, *opened));
    const core::TensorReport report = core::compareTensors(architecture, *opened);
    if (!report.unknown.empty())
        return core::Error {core::ErrorCode::Corrupt, "nobody reads " + report.unknown.front(), ""};
    Loaded loaded;
    loaded.checkpoint = std::move(opened);
    loaded.tensors = std::make_shared<ModelTensors>(
        std::make_shared<CheckpointTensors>(loaded.checkpoint, architecture, core::Bytes {0}));
    loaded.graph = std::make_shared<LanguageModel>(std::move(architecture));
    return loaded;
}

at::Tensor logitsOf(const Loaded& model, const std::vector<std::int32_t>& ids)
{
    const c10::InferenceMode noGradients;
    const Hooks none;
    at::Tensor state =
        model.graph->enter(ids, LoadedTensors::load(*model.tensors, model.graph->entryTensors()).value());
    for (int block = 0; block < model.graph->view().blocks; ++block) {
        const LoadedTensors tensors = LoadedTensors::load(*model.tensors, model.graph->blockTensors(block)).value();
        const auto pass = model.graph->begin(block, 0, state, tensors, none);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        state = pass->output();
    }
    return model.graph->logits(state, LoadedTensors::load(*model.tensors, model.graph->headTensors()).value());
}

core::Json configOf(const fs::path& folder)
{
    return core::Json::parse(core::readTextFile(folder / "config.json").value());
}

std::vector<std::uint8_t> bytesOf(const core::SafetensorsEntry& entry)
{
    std::vector<std::uint8_t> bytes;
    for (const std::byte byte : entry.data)
        bytes.push_back(std::to_integer<std::uint8_t>(byte));
    return bytes;
}

/// e2m1 by its definition: a sign, two bits of exponent with bias 1, one of mantissa.
double fourBitFloat(unsigned code)
{
    const unsigned exponent = (code >> 1) & 3U;
    const double mantissa = 0.5 * (code & 1U);
    const double magnitude = exponent == 0 ? mantissa : std::ldexp(1 + mantissa, int(exponent) - 1);
    return (code & 8U) != 0 ? -magnitude : magnitude;
}

/// e4m3 by its definition: a sign, four bits of exponent with bias 7, three of mantissa; all ones are no number.
double eightBitFloat(unsigned code)
{
    const unsigned exponent = (code >> 3) & 15U;
    const double mantissa = (code & 7U) / 8.0;
    if ((code & 127U) == 127U)
        return std::numeric_limits<double>::quiet_NaN();
    const double magnitude =
        std::ldexp(exponent == 0 ? mantissa : 1 + mantissa, exponent == 0 ? -6 : int(exponent) - 7);
    return (code & 128U) != 0 ? -magnitude : magnitude;
}

std::uint8_t nearestCode(double value)
{
    unsigned best = 0;
    for (unsigned code = 0; code < 256; ++code) {
        if (std::fabs(eightBitFloat(code) - value) < std::fabs(eightBitFloat(best) - value))
            best = code;
    }
    return static_cast<std::uint8_t>(best);
}

/// A matrix as codes with a scale per block, and the values that they stand for.
struct BlockScaled
{
    std::vector<std::uint8_t> codes;
    std::vector<float> scales;
    std::vector<std::int64_t> scaleShape;
    std::vector<float> values;
};

BlockScaled blockScaled(const std::vector<float>& weight, std::int64_t out, std::int64_t in, std::int64_t blockOut,
                        std::int64_t blockIn)
{
    BlockScaled result;
    const std::int64_t rows = (out + blockOut - 1) / blockOut;
    const std::int64_t columns = (in + blockIn - 1) / blockIn;
    result.scaleShape = {rows, columns};
    result.scales.resize(std::size_t(rows * columns));
    const auto place = [&](std::int64_t i) { return std::size_t(i / in / blockOut * columns + i % in / blockIn); };
    for (std::int64_t i = 0; i < out * in; ++i)
        result.scales[place(i)] = std::max(result.scales[place(i)], std::fabs(weight[std::size_t(i)]) / 448);
    for (std::int64_t i = 0; i < out * in; ++i) {
        const float scale = result.scales[place(i)];
        result.codes.push_back(nearestCode(double(weight[std::size_t(i)]) / scale));
        result.values.push_back(static_cast<float>(eightBitFloat(result.codes.back())) * scale);
    }
    return result;
}

} // namespace

class TstQuantizedMixture : public QObject
{
    Q_OBJECT

    /// Every tensor that the graph reads, and the logits, are the same to the bit.
    void compare(const Loaded& quantized, const Loaded& dense)
    {
        int read = 0;
        for (const core::ExpectedTensor& expected : dense.graph->architecture().tensors()) {
            std::vector<std::string> names;
            appendGraphNames(names, expected);
            for (const std::string& name : names) {
                const auto found = quantized.tensors->read(name);
                QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
                QVERIFY2(at::equal(found.value(), dense.tensors->read(name).value()), name.c_str());
                ++read;
            }
        }
        QVERIFY(read > 20);
        const std::vector<std::int32_t> ids {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
        const at::Tensor logits = logitsOf(quantized, ids);
        QVERIFY(logits.isfinite().all().item<bool>());
        QVERIFY(at::equal(logits, logitsOf(dense, ids)));
    }

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tiny models: threads only cost

    void mxfp4EqualsTheDenseModel()
    {
        const auto file = core::SafetensorsFile::open(kPacked / "model.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        Folder dense;
        dense.config = configOf(kPacked);
        dense.config.erase("quantization_config");
        std::int64_t packedBytes = 0;
        std::int64_t packedWeights = 0;
        for (const core::SafetensorsEntry& entry : file.value().tensors()) {
            if (entry.name.ends_with("_scales"))
                continue;
            if (!entry.name.ends_with("_blocks")) {
                dense.add(entry.name, core::ElementType::F32, entry.shape,
                          file.value().readFloat32(entry.name).value());
                continue;
            }
            // [experts, out, groups, 16] bytes of two inputs each -> [experts, in, out]
            const std::string name = entry.name.substr(0, entry.name.size() - 7);
            const std::vector<std::uint8_t> codes = bytesOf(entry);
            const std::vector<std::uint8_t> scales = bytesOf(*file.value().find(name + "_scales"));
            const std::int64_t out = entry.shape[1];
            const std::int64_t in = entry.shape[2] * 32;
            std::vector<float> values(codes.size() * 2);
            for (std::size_t i = 0; i < values.size(); ++i) {
                const auto input = std::int64_t(i) % in;
                const auto output = std::int64_t(i) / in % out;
                const auto expert = std::int64_t(i) / in / out;
                const unsigned code = i % 2 == 0 ? codes[i / 2] & 15U : codes[i / 2] >> 4;
                values[std::size_t((expert * in + input) * out + output)] =
                    static_cast<float>(std::ldexp(fourBitFloat(code), int(scales[i / 32]) - 127));
            }
            packedBytes += std::int64_t(codes.size() + scales.size());
            packedWeights += std::int64_t(values.size());
            dense.add(name, core::ElementType::F32, {entry.shape[0], in, out}, values);
        }
        const core::Status written = dense.write();
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
        const auto quantized = load(kPacked);
        QVERIFY2(quantized.ok(), quantized.ok() ? "" : quantized.error().sentence().c_str());
        const auto plain = load(dense.path());
        QVERIFY2(plain.ok(), plain.ok() ? "" : plain.error().sentence().c_str());
        compare(quantized.value(), plain.value());
        // 4.25 bits per expert weight, and nothing else is saved.
        QCOMPARE(packedBytes * 32, packedWeights * 17);
        QCOMPARE(quantized.value().checkpoint->storedBytes().value,
                 plain.value().checkpoint->storedBytes().value - packedWeights * 4 + packedBytes);
        QVERIFY(quantized.value().checkpoint->warnings().empty());
    }

    void blockScaledFp8EqualsTheDenseModel_data()
    {
        QTest::addColumn<int>("outputs"); // of a block
        QTest::addColumn<int>("inputs");
        QTest::addRow("as released: partial blocks only") << 128 << 128;
        QTest::addRow("partial last blocks") << 32 << 32;
        QTest::addRow("blocks that are not square") << 20 << 36;
    }
    void blockScaledFp8EqualsTheDenseModel()
    {
        QFETCH(int, outputs);
        QFETCH(int, inputs);
        const auto source = core::openCheckpoint(kDeepSeek);
        QVERIFY2(source.ok(), source.ok() ? "" : source.error().sentence().c_str());
        Folder quantized;
        Folder dense;
        dense.config = quantized.config = configOf(kDeepSeek);
        quantized.config["num_nextn_predict_layers"] = 1;
        quantized.config["quantization_config"] = {{"activation_scheme", "dynamic"},
                                                   {"fmt", "e4m3"},
                                                   {"quant_method", "fp8"},
                                                   {"weight_block_size", {outputs, inputs}}};
        int matrices = 0;
        int partial = 0;
        const auto addScaled = [&](const std::string& name, const std::vector<float>& values, std::int64_t out,
                                   std::int64_t in) {
            const BlockScaled scaled = blockScaled(values, out, in, outputs, inputs);
            quantized.add(name, core::ElementType::F8E4M3, {out, in}, scaled.codes);
            quantized.add(name + "_scale_inv", core::ElementType::F32, scaled.scaleShape, scaled.scales);
            partial += out % outputs != 0 || in % inputs != 0 ? 1 : 0;
            ++matrices;
            return scaled.values;
        };
        for (const core::TensorInfo& tensor : source.value()->tensors()) {
            std::vector<float> values(std::size_t(tensor.elements()));
            QVERIFY(source.value()->readFloat32(tensor.name, values).ok());
            const bool isLinear = tensor.name.starts_with("model.layers.") && tensor.shape.size() == 2 &&
                                  tensor.name.find("_proj") != std::string::npos;
            if (isLinear)
                values = addScaled(tensor.name, values, tensor.shape[0], tensor.shape[1]);
            else
                quantized.add(tensor.name, core::ElementType::F32, tensor.shape, values);
            dense.add(tensor.name, core::ElementType::F32, tensor.shape, values);
        }
        // The layer behind the last one, which predicts a further token, plays no part.
        addScaled("model.layers.2.self_attn.o_proj.weight", std::vector<float>(48 * 64, 0.5F), 48, 64);
        quantized.add("model.layers.2.enorm.weight", core::ElementType::F32, {48}, std::vector<float>(48, 1));
        QVERIFY(matrices > 20 && partial > 10);
        for (const Folder* folder : {&quantized, &dense}) {
            const core::Status written = folder->write();
            QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
        }
        const auto packed = load(quantized.path());
        QVERIFY2(packed.ok(), packed.ok() ? "" : packed.error().sentence().c_str());
        const auto plain = load(dense.path());
        QVERIFY2(plain.ok(), plain.ok() ? "" : plain.error().sentence().c_str());
        compare(packed.value(), plain.value());
        QCOMPARE(packed.value().checkpoint->warnings().size(), std::size_t(1)); // activations are quantised too
    }
};

QTEST_GUILESS_MAIN(TstQuantizedMixture)
#include "tst_quantized_mixture.moc"
