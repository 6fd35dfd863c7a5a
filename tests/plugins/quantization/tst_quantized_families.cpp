// SPDX-License-Identifier: Apache-2.0
// The quantizers on weights that families store in their own ways: fused, transposed, with biases, tied, soft-capped.
#include "core/base/mapped_file.h"
#include "core/engine/accounting/stored_size.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/bystanders.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::NoServices;
using paretoscope::tests::SilentObserver;

namespace {

const std::filesystem::path kModels = PARETOSCOPE_TEST_DATA "/parity/models";
constexpr std::int64_t kGroup = 16;

/// One model with the sequences of its golden file as calibration.
struct Fixture
{
    explicit Fixture(const std::filesystem::path& folder)
        : model(WarmModel::load(folder, PARETOSCOPE_RESOURCES "/architectures", core::Bytes {1 << 24}).value())
        , tensors(model->tensors())
    {
        const core::Json golden = core::Json::parse(core::readTextFile(folder / "golden.json").value());
        calibration.samples = golden.at("sequences").get<std::vector<std::vector<std::int32_t>>>();
        calibration.identity = {{"test", folder.string()}};
    }

    core::Status run(const char* plugin, int bits)
    {
        PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        PSC_ASSIGN(const core::PluginManifest* manifest, host.catalogue().find(plugin));
        core::StageSpec spec;
        spec.plugin = manifest->id;
        spec.version = manifest->version;
        PSC_ASSIGN(spec.parameters, core::resolveParameters(*manifest, {{"bits", bits}, {"group_size", kGroup}}));
        PSC_ASSIGN(const auto stage, host.makeStage(spec));
        PSC_TRY(stage->validate(model->graph().view()));
        return runStage(*stage, {model->graph(), tensors, &calibration, host.statistics(), StatisticCache({}), services,
                                 observer, log, 7, parts});
    }

    at::Tensor logits(const ModelTensors& weights) const
    {
        const LanguageModel& graph = model->graph();
        at::Tensor state =
            graph.enter(calibration.samples[1], LoadedTensors::load(weights, graph.entryTensors()).value());
        for (int block = 0; block < graph.view().blocks; ++block) {
            const LoadedTensors loaded = LoadedTensors::load(weights, graph.blockTensors(block)).value();
            const auto pass = graph.begin(block, 0, state, loaded, parts.hooks);
            while (!pass->inputs().empty())
                pass->advance(loaded);
            state = pass->output();
        }
        return graph.logits(state, LoadedTensors::load(weights, graph.headTensors()).value());
    }

    std::unique_ptr<WarmModel> model;
    ModelTensors tensors;
    Calibration calibration;
    TrialLog log;
    RunTimeParts parts;
    NoServices services;
    SilentObserver observer;
};

/// Sum of one layer metric over all units.
double sumOf(const TrialLog& log, std::string_view metric)
{
    double sum = 0;
    for (const auto& entry : log.layerMetrics)
        sum += entry.name == metric ? entry.value.value_or(0) : 0;
    return sum;
}

} // namespace

class TstQuantizedFamilies : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void everyLinearIsQuantized_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("plugin");
        QTest::addColumn<int>("unitsPerBlock");
        const auto rows = [](const char* name, int units) {
            for (const char* plugin : {"rtn", "gptq"})
                QTest::addRow("%s of %s", plugin, name)
                    << QString::fromLatin1(name) << QString::fromLatin1(plugin) << units;
        };
        rows("gpt2", 4);     // Conv1D, fused qkv
        rows("gpt_neox", 4); // fused qkv per head, parallel residual
        rows("phi3", 4);     // fused qkv and gate_up
        rows("opt", 6);      // biases everywhere
        rows("gemma2", 7);   // norms around the parts, soft-caps
        rows("qwen3", 7);    // query and key norms
    }
    void everyLinearIsQuantized()
    {
        QFETCH(QString, name);
        QFETCH(QString, plugin);
        QFETCH(int, unitsPerBlock);
        const c10::InferenceMode noGradients;
        Fixture fixture(kModels / name.toStdString());
        const ModelView& view = fixture.model->graph().view();
        QCOMPARE(view.units.size(), std::size_t(unitsPerBlock * view.blocks));
        const core::Status done = fixture.run(qPrintable(plugin), 4);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        for (const Unit& unit : view.units) {
            const auto replacement = fixture.tensors.replacement(unit.tensor);
            QVERIFY2(replacement, unit.tensor.c_str());
            QCOMPARE(replacement->dequantize().sizes().vec(),
                     (std::vector<std::int64_t> {unit.outFeatures, unit.inFeatures}));
        }
        const core::Architecture& architecture = fixture.model->graph().architecture();
        QVERIFY(storedSize(architecture, fixture.tensors) < storedSize(architecture, fixture.model->tensors()));
        QVERIFY(fixture.logits(fixture.tensors).isfinite().all().item<bool>());
        if (plugin == QLatin1String("gptq")) {
            // What GPTQ is about: it gives up some weight error for less error at the output.
            const double output = sumOf(fixture.log, "relative_output_error");
            QVERIFY(output > 0);
            QVERIFY(output < sumOf(fixture.log, "relative_weight_error"));
        }
    }

    /// The grid of a group spans 16 columns of [out, in]: nothing in it is further off than half a step of that grid.
    void groupsRunAlongTheInputs_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {"gpt2", "phi3", "gpt_neox", "opt"})
            QTest::addRow("%s", name) << QString::fromLatin1(name);
    }
    void groupsRunAlongTheInputs()
    {
        QFETCH(QString, name);
        const c10::InferenceMode noGradients;
        Fixture fixture(kModels / name.toStdString());
        QVERIFY(fixture.run("rtn", 8).ok());
        for (const Unit& unit : fixture.model->graph().view().units) {
            const at::Tensor before = fixture.tensors.readOriginal(unit.tensor).value();
            const at::Tensor after = fixture.tensors.read(unit.tensor).value();
            QCOMPARE(unit.inFeatures % kGroup, std::int64_t(0));
            const at::Tensor groups = before.view({unit.outFeatures, -1, kGroup});
            const at::Tensor step = (groups.amax(-1).clamp_min(0) - groups.amin(-1).clamp_max(0)) / 255;
            const at::Tensor error = (after - before).abs().view_as(groups).amax(-1);
            // Scales are rounded to float16, which moves the ends of the range by up to 255 / 2048 of a step.
            const double share = (error / step).max().item<double>();
            QVERIFY2(
                share < 0.5 + 255.0 / 2048,
                qPrintable(QStringLiteral("%1: %2 steps off").arg(QString::fromStdString(unit.module)).arg(share)));
        }
        const at::Tensor original = fixture.logits(fixture.model->tensors());
        const double change = (fixture.logits(fixture.tensors) - original).abs().max().item<double>();
        QVERIFY(change > 0);
        QVERIFY(change < 0.1 * original.abs().max().item<double>());
    }
};

QTEST_GUILESS_MAIN(TstQuantizedFamilies)
#include "tst_quantized_families.moc"
