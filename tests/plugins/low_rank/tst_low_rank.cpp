// SPDX-License-Identifier: Apache-2.0
// The stages of SVD, ASVD and SVD-LLM on one layer; their arithmetic is tested in tst_truncation.
#include "core/engine/low_rank/truncation.h"
#include "tests/core/engine/correlated_layer.h"
#include "tests/plugins/stage_under_test.h"

#include <QtTest>

#include <algorithm>

using namespace paretoscope;
using tests::CorrelatedLayer;
using tests::weightedError;

namespace {

/// One layer with its statistics, and what a stage makes of it.
class LayerTask : public engine::StageTask
{
public:
    LayerTask(const CorrelatedLayer& layer, const engine::Unit& unit)
        : m_layer(layer)
        , m_units {&unit}
    {}

    const std::vector<const engine::Unit*>& units() const override { return m_units; }
    at::Tensor weight(const engine::Unit&) const override { return m_layer.weight; }
    std::shared_ptr<const engine::CompressedTensor> form(const engine::Unit&) const override { return {}; }
    at::ScalarType storedType(const engine::Unit&) const override { return at::kBFloat16; }
    at::Tensor originalWeight(const engine::Unit&) const override { return m_layer.weight; }
    at::Tensor foldedColumns(const engine::Unit&) const override { return {}; }
    void folded(const engine::FoldGroup&, const at::Tensor&) override {}
    std::int64_t tokens(const engine::Unit&) const override { return m_layer.inputs.size(0); }
    core::Result<engine::StatisticValue> statistic(const engine::Unit&, std::string_view id) const override
    {
        return engine::StatisticValue {id == "hessian" ? m_layer.hessian : m_layer.inputs.abs().mean(0),
                                       m_layer.inputs.size(0)};
    }
    at::Tensor tensor(std::string_view) const override { return {}; }
    void replace(const engine::Unit&, std::shared_ptr<const engine::CompressedTensor> weight) override
    {
        made = std::move(weight);
    }
    void replaceTensor(std::string_view, at::Tensor) override {}
    void replaceTensor(std::string_view, std::shared_ptr<const engine::CompressedTensor>) override {}
    void record(const engine::Unit&, std::string_view name, double value) override
    {
        if (name == "rank")
            rank = value;
    }
    void warn(const engine::Unit&, std::string_view text) override { warning = text; }
    std::uint64_t seed(const engine::Unit&) const override { return 0; }
    bool isCancelled() const override { return false; }
    engine::HostServices& services() override { qFatal("no services"); }

    std::shared_ptr<const engine::CompressedTensor> made;
    double rank = 0;
    std::string warning;

private:
    const CorrelatedLayer& m_layer;
    std::vector<const engine::Unit*> m_units;
};

std::int64_t bitsOf(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

} // namespace

class TstLowRank : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyMethodMinimisesItsOwnError_data()
    {
        QTest::addColumn<QString>("plugin");
        for (const char* plugin : {"svd", "asvd", "svd_llm"})
            QTest::addRow("%s", plugin) << QString::fromLatin1(plugin);
    }
    void everyMethodMinimisesItsOwnError()
    {
        QFETCH(QString, plugin);
        const CorrelatedLayer layer(48, 64, 400);
        const at::Tensor means = layer.inputs.abs().mean(0);
        const auto made = apply(plugin.toStdString(), layer, {{"ratio", 0.7}});
        QVERIFY(made);
        // floor(0.7 · 48 · 64 / 112)
        const at::Tensor omega = plugin == QLatin1String("svd")    ? at::Tensor()
                                 : plugin == QLatin1String("asvd") ? means // (mean^0.5)²
                                                                   : layer.hessian;
        const auto factors = engine::truncate(layer.weight, omega, 19);
        const at::Tensor expected = at::mm(factors.b, factors.a);
        QVERIFY((made->dequantize() - expected).abs().max().item<double>() < 0.02); // two factors in bfloat16
        QCOMPARE(bitsOf(*made), std::int64_t(19 * (48 + 64) * 16));
    }

    void whiteningLosesLeastAtTheOutput()
    {
        const CorrelatedLayer layer(48, 64, 400);
        const auto lostBy = [&](const char* plugin) {
            return weightedError(layer.weight - apply(plugin, layer, {{"ratio", 0.5}})->dequantize(), layer.hessian);
        };
        const double whitened = lostBy("svd_llm");
        const double scaled = lostBy("asvd");
        QVERIFY(whitened < 0.9 * scaled);
        QVERIFY(scaled < lostBy("svd"));
    }

    void ranksOfSingleLayers_data()
    {
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<QList<int>>("ranks"); // -1: left as it is
        QTest::addRow("ratio") << R"({"ratio": 0.5})" << QList<int> {13, 21};
        QTest::addRow("aligned") << R"({"ratio": 0.5, "rank_align": 8})" << QList<int> {8, 16};
        QTest::addRow("one by name") << R"({"ratio": 0.5, "ranks": "*linear1=5"})" << QList<int> {13, 5};
        QTest::addRow("the last that matches wins") << R"({"ranks": ["*=7", "*linear0=9"]})" << QList<int> {9, 7};
        QTest::addRow("ratio 1 leaves a layer as it is")
            << R"({"ratio": 1, "ranks": "*linear1=5"})" << QList<int> {-1, 5};
    }
    void ranksOfSingleLayers()
    {
        QFETCH(QString, parameters);
        QFETCH(QList<int>, ranks);
        const CorrelatedLayer layers[] = {CorrelatedLayer(48, 64, 100), CorrelatedLayer(128, 64, 100)};
        const engine::ModelView view = tests::viewOf({{48, 64}, {128, 64}});
        const auto stage = tests::makeStage(m_host, "svd", core::Json::parse(parameters.toStdString()));
        QVERIFY2(stage.ok(), stage.ok() ? "" : stage.error().sentence().c_str());
        const auto plan = stage.value()->prepare(view);
        QVERIFY2(plan.ok(), plan.ok() ? "" : plan.error().sentence().c_str());
        for (std::size_t i = 0; i < 2; ++i) {
            const auto& targets = plan.value().targets;
            const bool isTarget = std::find(targets.begin(), targets.end(), i) != targets.end();
            QCOMPARE(isTarget, ranks[int(i)] > 0);
            if (!isTarget)
                continue;
            LayerTask task(layers[i], view.units[i]);
            QVERIFY(stage.value()->apply(task).ok());
            QCOMPARE(int(task.rank), ranks[int(i)]);
        }
    }

    void factorsMayBeQuantized()
    {
        const CorrelatedLayer layer(48, 64, 400);
        const auto half = apply("svd_llm", layer, {{"ratio", 0.7}});
        const auto coded = apply("svd_llm", layer, {{"ratio", 0.7}, {"factor_bits", 8}, {"factor_group_size", -1}});
        // Rows of 19 codes fill five words, rows of 64 fill 16; one scale each.
        QCOMPARE(bitsOf(*coded), std::int64_t(48 * (5 * 32 + 16) + 19 * (16 * 32 + 16)));
        QVERIFY(bitsOf(*coded) < bitsOf(*half));
        QVERIFY((coded->dequantize() - half->dequantize()).abs().max().item<double>() < 0.1);
    }

    void seldomReachedExpertsAreApproximatedWithoutInputs()
    {
        const CorrelatedLayer layer(48, 64, 20);
        const auto made = apply("svd_llm", layer, {{"ratio", 0.7}}, 3);
        QVERIFY2(m_warning.find("fewer than 64 calibration tokens") != std::string::npos, m_warning.c_str());
        const auto plain = apply("svd", layer, {{"ratio", 0.7}});
        QVERIFY(at::equal(made->dequantize(), plain->dequantize()));
    }

private:
    std::shared_ptr<const engine::CompressedTensor> apply(const std::string& plugin, const CorrelatedLayer& layer,
                                                          const core::Json& parameters, int expert = -1)
    {
        engine::ModelView view = tests::viewOf({{layer.weight.size(0), layer.weight.size(1)}});
        view.units.front().expert = expert;
        auto stage = tests::makeStage(m_host, plugin, parameters);
        if (!stage.ok())
            qFatal("%s", stage.error().sentence().c_str());
        if (const auto plan = stage.value()->prepare(view); !plan.ok())
            qFatal("%s", plan.error().sentence().c_str());
        LayerTask task(layer, view.units.front());
        if (const core::Status done = stage.value()->apply(task); !done.ok())
            qFatal("%s", done.error().sentence().c_str());
        m_warning = task.warning;
        return task.made;
    }

    engine::PluginHost m_host {{PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"}};
    std::string m_warning;
};

QTEST_GUILESS_MAIN(TstLowRank)
#include "tst_low_rank.moc"
