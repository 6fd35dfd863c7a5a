// SPDX-License-Identifier: Apache-2.0
// Logits and hidden states against Hugging Face transformers (tests/data/parity/README.md).
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"

#include <QtTest>

#include <c10/core/InferenceMode.h>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

const std::filesystem::path kModels = PARETOSCOPE_TEST_DATA "/parity/models";
const std::filesystem::path kArchitectures = PARETOSCOPE_RESOURCES "/architectures";

struct Loaded
{
    LanguageModel graph;
    ModelTensors tensors;
};

core::Result<Loaded> loadModel(const std::filesystem::path& folder)
{
    PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(folder));
    PSC_ASSIGN(core::Architecture architecture, core::describeArchitecture(*opened, kArchitectures));
    PSC_TRY(core::requireSupported(architecture, *opened));
    const std::shared_ptr<const core::Checkpoint> checkpoint = std::move(opened);
    ModelTensors tensors(std::make_shared<CheckpointTensors>(checkpoint, architecture, core::Bytes {1 << 20}));
    return Loaded {LanguageModel(std::move(architecture)), std::move(tensors)};
}

at::Tensor golden(const core::SafetensorsFile& file, const std::string& name)
{
    const core::SafetensorsEntry* info = file.find(name);
    if (!info)
        return {};
    at::Tensor tensor = at::empty(info->shape, at::kFloat);
    const auto read = file.readFloat32(name, {tensor.mutable_data_ptr<float>(), std::size_t(tensor.numel())});
    return read.ok() ? tensor : at::Tensor();
}

/// Largest difference as a share of what is allowed.
double shareOf(const at::Tensor& found, const at::Tensor& expected, double allowed)
{
    return (found - expected).abs().max().item<double>() / allowed;
}

struct Run
{
    at::Tensor embedded;
    std::vector<at::Tensor> blocks;
    at::Tensor logits;
};

Run runModel(const Loaded& model, const std::vector<std::int32_t>& ids)
{
    const c10::InferenceMode noGradients;
    const Hooks none;
    Run run;
    at::Tensor state = model.graph.enter(ids, LoadedTensors::load(model.tensors, model.graph.entryTensors()).value());
    run.embedded = state;
    for (int block = 0; block < model.graph.view().blocks; ++block) {
        const LoadedTensors tensors = LoadedTensors::load(model.tensors, model.graph.blockTensors(block)).value();
        const auto pass = model.graph.begin(block, 0, state, tensors, none);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        state = pass->output();
        run.blocks.push_back(state);
    }
    run.logits = model.graph.logits(state, LoadedTensors::load(model.tensors, model.graph.headTensors()).value());
    return run;
}

} // namespace

class TstLanguageModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void agreesWithTransformers_data()
    {
        QTest::addColumn<QString>("model");
        for (const char* name : {"llama_rope3", "llama_rope3_new_spelling", "llama_linear"})
            QTest::addRow("%s", name) << QString::fromLatin1(name);
    }
    void agreesWithTransformers()
    {
        QFETCH(QString, model);
        const std::filesystem::path folder = kModels / model.toStdString();
        const auto loaded = loadModel(folder);
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        const auto file = core::SafetensorsFile::open(folder / "golden.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        const auto text = core::readTextFile(folder / "golden.json");
        const core::Json expected = core::Json::parse(text.value());
        const auto sequences = expected.at("sequences").get<std::vector<std::vector<std::int32_t>>>();
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const Run run = runModel(loaded.value(), sequences[i]);
            const at::Tensor logits = golden(file.value(), "logits_" + std::to_string(i));
            const double tolerance = expected.at("tolerance").at("logits_abs").at(i).get<double>();
            const double share = shareOf(run.logits, logits, tolerance);
            qInfo("%s, sequence %zu: logits differ by %.3f of the tolerance", qPrintable(model), i, share);
            QVERIFY(share <= 1);
            QVERIFY(at::equal(run.logits.argmax(1), logits.argmax(1)));
            if (i != 0)
                continue;
            const double relative = expected.at("tolerance").at("hidden_rel_to_max").get<double>();
            for (std::size_t block = 0; block < run.blocks.size(); ++block) {
                const at::Tensor hidden = golden(file.value(), "hidden_0_block_" + std::to_string(block));
                QVERIFY(shareOf(run.blocks[block], hidden, relative * hidden.abs().max().item<double>()) <= 1);
            }
            QVERIFY(at::equal(run.embedded, golden(file.value(), "hidden_0_embed")));
        }
    }

    void viewNamesEveryLinearOnce()
    {
        const auto loaded = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        const ModelView& view = loaded.value().graph.view();
        QCOMPARE(view.blocks, 4);
        QCOMPARE(view.units.size(), std::size_t(4 * 7));
        QCOMPARE(view.units[0].module, std::string("model.layers.0.self_attn.q_proj"));
        QCOMPARE(view.units[0].input, view.units[2].input); // q and v read the same
        QCOMPARE(view.units[6].role, std::string("mlp.down"));
        // Heads share keys and values, so value -> output is no fold group.
        QCOMPARE(view.foldGroups.size(), std::size_t(4 * 3));
    }

    void hooksReadAndReplace()
    {
        const auto loaded = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY(loaded.ok());
        const LanguageModel& graph = loaded.value().graph;
        const c10::InferenceMode noGradients;
        const LoadedTensors entry = LoadedTensors::load(loaded.value().tensors, graph.entryTensors()).value();
        const LoadedTensors tensors = LoadedTensors::load(loaded.value().tensors, graph.blockTensors(0)).value();
        const at::Tensor state = graph.enter({1, 2, 3}, entry);
        int seen = 0;
        const Hooks silence {
            {HookPoint::MlpHidden,
             [&](const HookSite&, const at::Tensor& value) {
                 ++seen;
                 return at::zeros_like(value);
             }},
            {HookPoint::AttentionOutput, [&](const HookSite&, const at::Tensor& value) { return at::zeros_like(value); }}};
        const auto pass = graph.begin(0, 0, state, tensors, silence);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        QCOMPARE(seen, 1);
        QVERIFY(at::equal(pass->output(), state)); // both halves add nothing
    }
};

QTEST_GUILESS_MAIN(TstLanguageModel)
#include "tst_language_model.moc"
