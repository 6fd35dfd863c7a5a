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
};

QTEST_GUILESS_MAIN(TstQuantizedMixture)
#include "tst_quantized_mixture.moc"
