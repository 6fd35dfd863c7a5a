// SPDX-License-Identifier: Apache-2.0
// The quantizers on weights that families store in their own ways: fused, transposed, with biases, tied, soft-capped,
// stacked experts.
#include "core/engine/accounting/stored_size.h"

#include "tests/plugins/quantization/family_fixture.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::FamilyFixture;
using paretoscope::tests::kFamilies;

namespace {

constexpr std::int64_t kGroup = 16;

core::Json gridOf(int bits)
{
    return {{"bits", bits}, {"group_size", kGroup}};
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
            for (const char* plugin : {"rtn", "gptq", "hqq", "awq"})
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
        FamilyFixture fixture(kFamilies / name.toStdString());
        const ModelView& view = fixture.model->graph().view();
        QCOMPARE(view.units.size(), std::size_t(unitsPerBlock * view.blocks));
        const core::Status done = fixture.run(qPrintable(plugin), gridOf(4));
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
            const double output = fixture.sumOf("relative_output_error");
            QVERIFY(output > 0);
            QVERIFY(output < fixture.sumOf("relative_weight_error"));
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
        FamilyFixture fixture(kFamilies / name.toStdString());
        QVERIFY(fixture.run("rtn", gridOf(8)).ok());
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
        QVERIFY(fixture.change() > 0);
        QVERIFY(fixture.change() < 0.1);
    }
};

QTEST_GUILESS_MAIN(TstQuantizedFamilies)
#include "tst_quantized_families.moc"
