// SPDX-License-Identifier: Apache-2.0
// What every method makes of broken weights and activations, inputs that say nothing, and experts that read nothing.
#include "core/engine/layout/dense_tensor.h"
#include "tests/core/engine/trial_fixture.h"
#include "tests/plugins/every_method.h"
#include "tests/plugins/quantization/family_fixture.h"

#include <QtTest>

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

using namespace paretoscope;
using tests::everyMethod;
using tests::FamilyFixture;
using tests::MethodUnderTest;

namespace {

constexpr const char* kDense = "llama_rope3";
constexpr const char* kMixture = "qwen3_moe";
constexpr const char* kModule = "model.layers.1.mlp.up_proj";
constexpr const char* kNorm = "model.layers.1.post_attention_layernorm.weight";
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A small model, and before the method under test what it needs in front of it.
struct Prepared : FamilyFixture
{
    Prepared(const char* family, const MethodUnderTest& method)
        : FamilyFixture(tests::kFamilies / family)
    {
        if (method.before.empty())
            return;
        if (const core::Status done = run(method.before.c_str(), core::Json::object()); !done.ok())
            qFatal("%s", done.error().sentence().c_str());
    }
    core::Status run(const char* plugin, const core::Json& parameters)
    {
        const c10::InferenceMode noGradients;
        return FamilyFixture::run(plugin, parameters);
    }
    core::Status run(const MethodUnderTest& method) { return run(method.plugin.c_str(), method.parameters); }

    void replace(const char* tensor, const at::Tensor& value)
    {
        tensors.replace(tensor, std::make_shared<engine::DenseTensor>(value, core::ElementType::F32));
    }

    /// Names of the units whose weights are not finite.
    std::string brokenUnits() const
    {
        const c10::InferenceMode noGradients;
        std::string names;
        for (const engine::Unit& unit : model->graph().view().units) {
            if (!tensors.read(unit.tensor).value().isfinite().all().item<bool>())
                names += ' ' + unit.module;
        }
        return names;
    }
    bool warns(const std::string& of) const
    {
        return std::any_of(log.warnings.begin(), log.warnings.end(),
                           [&](const std::string& text) { return text.find(of) != std::string::npos; });
    }
};

void addMethods(bool onlyThoseThatReadInputs = false)
{
    QTest::addColumn<const MethodUnderTest*>("method");
    for (const MethodUnderTest& method : everyMethod()) {
        if (method.readsInputs || !onlyThoseThatReadInputs)
            QTest::addRow("%s", method.name.c_str()) << &method;
    }
}

} // namespace

class TstMethodFailures : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tensors this small are slower on more

    void everyStageIsAMethodHereOrABridge()
    {
        const core::PluginCatalogue plugins = catalogue();
        for (const core::PluginManifest& manifest : plugins.all()) {
            if (manifest.kind != core::PluginKind::Stage || manifest.id.starts_with("bridge/"))
                continue;
            QVERIFY2(std::any_of(everyMethod().begin(), everyMethod().end(),
                                 [&](const MethodUnderTest& method) { return method.plugin == manifest.alias(); }),
                     manifest.id.c_str());
        }
    }

    void brokenWeightsAreNamed_data()
    {
        QTest::addColumn<const MethodUnderTest*>("method");
        QTest::addColumn<float>("value");
        for (const MethodUnderTest& method : everyMethod()) {
            QTest::addRow("%s: not a number", method.name.c_str()) << &method << kNotANumber;
            QTest::addRow("%s: infinite", method.name.c_str()) << &method << kInfinity;
        }
    }
    void brokenWeightsAreNamed()
    {
        QFETCH(const MethodUnderTest*, method);
        QFETCH(float, value);
        Prepared fixture(kDense, *method);
        at::Tensor weight = fixture.tensors.read(std::string(kModule) + ".weight").value().clone();
        weight[3][5] = value;
        fixture.replace((std::string(kModule) + ".weight").c_str(), weight);
        const core::Status refused = fixture.run(*method);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::Numerical);
        QVERIFY2(refused.error().message.find(std::string(kModule) + ": the weight at row 3, column 5 is not finite") !=
                     std::string::npos,
                 refused.error().message.c_str());
        QVERIFY(!refused.error().hint.empty());
    }

    /// A float16 scale cannot hold the range of such a group.
    void hugeWeightsAreKeptOrNamed_data() { addMethods(); }
    void hugeWeightsAreKeptOrNamed()
    {
        QFETCH(const MethodUnderTest*, method);
        Prepared fixture(kDense, *method);
        at::Tensor weight = fixture.tensors.read(std::string(kModule) + ".weight").value().clone();
        weight[3][5] = 1e9F;
        fixture.replace((std::string(kModule) + ".weight").c_str(), weight);
        const core::Status done = fixture.run(*method);
        if (done.ok()) {
            QCOMPARE(fixture.brokenUnits(), std::string());
            return;
        }
        QVERIFY2(done.error().message.find("model.layers.1.mlp.") != std::string::npos, done.error().message.c_str());
        QVERIFY(!done.error().hint.empty());
    }

    void brokenActivationsAreNamed_data() { addMethods(true); }
    void brokenActivationsAreNamed()
    {
        QFETCH(const MethodUnderTest*, method);
        Prepared fixture(kDense, *method);
        fixture.replace(kNorm, at::full({48}, kInfinity));
        const core::Status refused = fixture.run(*method);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::Numerical);
        // Tuning sees the loss of the whole model only.
        const std::string place = method->plugin == "pv_tuning" ? "the loss of sequence 0" : "model.layers.1.mlp.";
        QVERIFY2(refused.error().message.find(place) != std::string::npos, refused.error().message.c_str());
        QVERIFY(!refused.error().hint.empty());
    }

    /// What the Hessian is made of has fewer rows than columns.
    void fewTokensAreEnough_data() { addMethods(); }
    void fewTokensAreEnough()
    {
        QFETCH(const MethodUnderTest*, method);
        Prepared fixture(kDense, *method);
        fixture.calibration.samples = {{3, 17}, {99, 12}};
        const core::Status done = fixture.run(*method);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(fixture.brokenUnits(), std::string());
    }

    void singularHessiansAreDamped_data()
    {
        QTest::addColumn<QString>("plugin");
        for (const char* plugin : {"gptq", "spqr", "sparsegpt"})
            QTest::addRow("%s", plugin) << QString::fromLatin1(plugin);
    }
    void singularHessiansAreDamped()
    {
        QFETCH(QString, plugin);
        Prepared fixture(kDense, {});
        fixture.calibration.samples = {{3, 17}, {99, 12}};
        const core::Status done = fixture.run(qPrintable(plugin), {{"damping", 1e-12}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(fixture.brokenUnits(), std::string());
        QVERIFY(fixture.warns("the Hessian was not positive definite until damping"));
        const auto damped = std::count_if(
            fixture.log.layerMetrics.begin(), fixture.log.layerMetrics.end(),
            [](const core::LayerMetricRecord& record) { return record.name == "damping" && *record.value > 1e-12; });
        QVERIFY(damped > 0);
    }

    void inputsThatAreAlwaysZeroAreSurvived_data() { addMethods(); }
    void inputsThatAreAlwaysZeroAreSurvived()
    {
        QFETCH(const MethodUnderTest*, method);
        Prepared fixture(kDense, *method);
        fixture.replace(kNorm, at::zeros({48}));
        const core::Status done = fixture.run(*method);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(fixture.brokenUnits(), std::string());
        for (const char* damped : {"gptq", "spqr", "sparsegpt"})
            QVERIFY(method->plugin != damped || fixture.warns("its inputs are all zero"));
    }

    void expertsWithoutTokensAreTold_data()
    {
        QTest::addColumn<const MethodUnderTest*>("method");
        QTest::addColumn<int>("minTokens"); // 1: experts that one token reached are looked at like others
        for (const MethodUnderTest& method : everyMethod()) {
            QTest::addRow("%s", method.name.c_str()) << &method << 64;
            QTest::addRow("%s, from one token on", method.name.c_str()) << &method << 1;
        }
    }
    void expertsWithoutTokensAreTold()
    {
        QFETCH(const MethodUnderTest*, method);
        QFETCH(int, minTokens);
        Prepared fixture(kMixture, *method);
        fixture.log.warnings.clear();
        fixture.calibration.samples = {{3, 17}, {99, 12}};
        core::Json parameters = method->parameters;
        const core::PluginManifest* manifest = fixture.host.catalogue().find(method->plugin).value();
        if (manifest->parameter("min_tokens"))
            parameters["min_tokens"] = minTokens;
        const core::Status done = fixture.run(method->plugin.c_str(), parameters);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(fixture.brokenUnits(), std::string());
        // Smoothing and tuning leave such experts alone; the others do something else with them, and say so.
        const bool tells = method->readsInputs && method->plugin != "smoothquant" && method->plugin != "pv_tuning";
        QCOMPARE(fixture.warns("expert"), tells);
        QVERIFY(!tells || fixture.warns(".experts."));
    }

    /// One runner, as one worker has it: what a failed trial leaves behind must not show in the next one.
    void theSweepGoesOn_data()
    {
        QTest::addColumn<QString>("failing");
        QTest::addRow("refused before any work") << "rtn, eora: {rank: 4096}";
        QTest::addRow("refused in the middle") << "rtn, slim: {bits: 4}";
        QTest::addRow("refused at its end") << "bitstack: {blocks: 2, target_size: 0.1}";
    }
    void theSweepGoesOn()
    {
        QFETCH(QString, failing);
        const SweepUnderTest test("  - [" + failing.toStdString() + "]\n  - [gptq: {bits: 3, group_size: 32}]\n", 2,
                                  "tiny-llama", "samples: 2, length: 64");
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto failed = runner.run(test.request(0), observer);
        QVERIFY(!failed.ok());
        QVERIFY(!failed.error().hint.empty());
        const auto next = runner.run(test.request(1), observer);
        QVERIFY2(next.ok(), next.ok() ? "" : next.error().sentence().c_str());
        engine::TrialRunner fresh(optionsFor());
        const auto alone = fresh.run(test.request(1), observer);
        QVERIFY2(alone.ok(), alone.ok() ? "" : alone.error().sentence().c_str());
        QCOMPARE(metricOf(next.value(), "perplexity").details.at("windows"),
                 metricOf(alone.value(), "perplexity").details.at("windows"));
        QCOMPARE(*metricOf(next.value(), "stored_bytes").value, *metricOf(alone.value(), "stored_bytes").value);
    }
};

QTEST_GUILESS_MAIN(TstMethodFailures)
#include "tst_method_failures.moc"
