// SPDX-License-Identifier: Apache-2.0
// Methods that move factors between weights, and those that quantise what weights read, on families that put norms,
// heads and experts together in their own ways.
#include "tests/plugins/quantization/family_fixture.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::FamilyFixture;
using paretoscope::tests::kFamilies;

class TstFoldedFamilies : public QObject
{
    Q_OBJECT

    static void addFamilies()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {
                 "gemma",      // norms of 1 + weight, shared heads
                 "gpt2",       // value rows of a fused, transposed weight
                 "gpt_neox",   // value rows head by head
                 "opt",        // layer norms with biases; ReLU lets a factor pass
                 "phi3",       // up rows of a fused weight
                 "mixtral",    // a router and experts read one norm
                 "qwen2_moe",  // a shared expert, too
                 "gpt_oss",    // stacked, interleaved experts
                 "deepseek_v2" // latent attention
             })
            QTest::addRow("%s", name) << QString::fromLatin1(name);
    }

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void smoothingKeepsTheFunction_data() { addFamilies(); }
    void smoothingKeepsTheFunction()
    {
        QFETCH(QString, name);
        const c10::InferenceMode noGradients;
        const tests::Float32Copy copy(kFamilies / name.toStdString());
        FamilyFixture fixture(copy.path());
        const core::Status done = fixture.run("smoothquant", {{"alpha", 0.5}, {"linear_producers", true}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QVERIFY(!fixture.tensors.replacements().empty());
        QVERIFY(fixture.sumOf("largest_factor") > 0);
        QVERIFY2(fixture.change() < 1e-4, qPrintable(QStringLiteral("changed by %1").arg(fixture.change())));
    }

    /// At 8 bits little but a wrong fold can change the logits.
    void scaledModelsStayClose_data() { addFamilies(); }
    void scaledModelsStayClose()
    {
        QFETCH(QString, name);
        const c10::InferenceMode noGradients;
        FamilyFixture fixture(kFamilies / name.toStdString());
        const core::Status done =
            fixture.run("awq", {{"bits", 8}, {"group_size", 16}, {"min_tokens", 1}, {"clip_search", false}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QVERIFY2(fixture.sumOf("scale_exponent") > 0, "nothing was scaled");
        QVERIFY(fixture.change() > 0);
        QVERIFY2(fixture.change() < 0.1, qPrintable(QStringLiteral("changed by %1").arg(fixture.change())));
    }

    /// Factors that are folded are no error of the weights.
    void foldedFactorsAreNoError_data()
    {
        QTest::addColumn<QString>("plugin");
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<double>("most");
        QTest::addRow("smoothquant") << "smoothquant" << QByteArray(R"({"linear_producers": true})") << 1e-10;
        // Half a step of 8 bits, over the mean square of weights spread over 16 values.
        QTest::addRow("awq") << "awq" << QByteArray(R"({"bits": 8, "group_size": 16, "clip_search": false})") << 1e-3;
    }
    void foldedFactorsAreNoError()
    {
        QFETCH(QString, plugin);
        QFETCH(QByteArray, parameters);
        QFETCH(double, most);
        const c10::InferenceMode noGradients;
        const tests::Float32Copy copy(kFamilies / "llama_linear");
        FamilyFixture fixture(copy.path());
        QVERIFY(fixture.run(qPrintable(plugin), core::Json::parse(parameters.constData())).ok());
        const double mean = fixture.sumOf("relative_weight_error") / double(fixture.model->graph().view().units.size());
        QVERIFY2(mean < most, qPrintable(QString::number(mean)));
        QVERIFY(!fixture.log.folds.empty());
    }

    /// What makes up for an error takes the folded weight for the right one.
    void adaptersComeAfterFolds()
    {
        const c10::InferenceMode noGradients;
        const tests::Float32Copy copy(kFamilies / "llama_linear");
        FamilyFixture fixture(copy.path());
        QVERIFY(fixture.run("awq", {{"bits", 3}, {"group_size", 16}}).ok());
        const double before = fixture.change();
        fixture.log.layerMetrics.clear();
        const core::Status done = fixture.run("eora", {{"rank", 8}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const auto units = double(fixture.model->graph().view().units.size());
        QVERIFY(fixture.sumOf("compensated_error_ratio") < units);
        QVERIFY(fixture.sumOf("relative_output_error") < 0.1 * units);
        QVERIFY2(fixture.change() < before,
                 qPrintable(QStringLiteral("%1 after %2").arg(fixture.change()).arg(before)));
    }

    void layersLeftOutAreScaledAlong()
    {
        const c10::InferenceMode noGradients;
        FamilyFixture fixture(kFamilies / "llama_linear");
        QVERIFY(fixture.run("awq", {{"bits", 8}, {"group_size", 16}, {"exclude", {"*.k_proj", "*.up_proj"}}}).ok());
        bool isScaled = false;
        for (const Unit& unit : fixture.model->graph().view().units) {
            const auto form = fixture.tensors.replacement(unit.tensor);
            const bool isExcluded = unit.role == "attention.key" || unit.role == "mlp.up";
            QVERIFY(!form || (form->layout() == "dense") == isExcluded);
            isScaled = isScaled || (isExcluded && form);
        }
        QVERIFY(isScaled);
        QVERIFY2(fixture.change() < 0.1, qPrintable(QStringLiteral("changed by %1").arg(fixture.change())));
    }

    void eightBitActivationsStayClose_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("activations");
        for (const char* name : {"llama_linear", "gpt_neox", "mixtral", "qwen2_moe", "deepseek_v2"}) {
            for (const char* activations : {"token", "group", "tensor", "none"})
                QTest::addRow("%s, %s", name, activations)
                    << QString::fromLatin1(name) << QString::fromLatin1(activations);
        }
    }
    void eightBitActivationsStayClose()
    {
        QFETCH(QString, name);
        QFETCH(QString, activations);
        const c10::InferenceMode noGradients;
        FamilyFixture weightsOnly(kFamilies / name.toStdString());
        QVERIFY(weightsOnly.run("int8", {{"activations", "none"}}).ok());
        FamilyFixture fixture(kFamilies / name.toStdString());
        const core::Status done =
            fixture.run("int8", {{"activations", activations.toStdString()}, {"activation_group_size", 16}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const at::Tensor plain = weightsOnly.logits(weightsOnly.tensors);
        const at::Tensor found = fixture.logits(fixture.tensors);
        QCOMPARE(at::equal(found, plain), activations == QLatin1String("none"));
        const double change = ((found - plain).norm() / plain.norm()).item<double>();
        QVERIFY2(change < 0.1, qPrintable(QStringLiteral("changed by %1").arg(change)));
    }

    void outlierSharesAreRecorded_data()
    {
        QTest::addColumn<double>("threshold");
        QTest::addColumn<bool>("isSplit");
        QTest::addRow("everything is an outlier") << 0.0 << true;
        QTest::addRow("nothing is") << 1e6 << false;
    }
    void outlierSharesAreRecorded()
    {
        QFETCH(double, threshold);
        QFETCH(bool, isSplit);
        const c10::InferenceMode noGradients;
        FamilyFixture weightsOnly(kFamilies / "llama_linear");
        QVERIFY(weightsOnly.run("int8", {{"activations", "none"}}).ok());
        FamilyFixture fixture(kFamilies / "llama_linear");
        QVERIFY(fixture.run("int8", {{"outlier_threshold", threshold}}).ok());
        const auto units = double(fixture.model->graph().view().units.size());
        QCOMPARE(fixture.sumOf("outlier_share_median"), isSplit ? units : 0.0);
        QCOMPARE(fixture.sumOf("outlier_share_max"), isSplit ? units : 0.0);
        QCOMPARE(at::equal(fixture.logits(fixture.tensors), weightsOnly.logits(weightsOnly.tensors)), isSplit);
    }

    void refusals_data()
    {
        QTest::addColumn<QString>("plugin");
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<QString>("named");
        const auto row = [](const char* plugin, const char* parameters, const char* named) {
            QTest::addRow("%s %s", plugin, parameters)
                << QString::fromLatin1(plugin) << QByteArray(parameters) << QString::fromLatin1(named);
        };
        row("int8", R"({"outlier_threshold": 6, "activations": "tensor"})", "outlier_threshold");
        row("int8", R"({"activation_symmetric": false, "activations": "tensor"})", "zero point");
        row("int8", R"({"exclude": ["*.k_proj"]})", "k_proj is left out");
        row("int8", R"({"include": ["*.down_proj"], "skip_down_proj": true})", "skip_down_proj");
        row("smoothquant", R"({"include": ["*.q_proj"]})", "nothing to smooth");
        row("rtn", R"({"format": "mxfp4", "granularity": "tensor"})", "granularity");
        row("awq", R"({"bits": 9})", "bits is 9");
        row("hqq", R"({"include": ["*.nothing"]})", "matches no weight");
    }
    void refusals()
    {
        QFETCH(QString, plugin);
        QFETCH(QByteArray, parameters);
        QFETCH(QString, named);
        FamilyFixture fixture(kFamilies / "llama_linear");
        const core::Status refused = fixture.run(qPrintable(plugin), core::Json::parse(parameters.constData()));
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(refused.error().message.find(named.toStdString()) != std::string::npos,
                 refused.error().message.c_str());
        QVERIFY(!refused.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstFoldedFamilies)
#include "tst_folded_families.moc"
