// SPDX-License-Identifier: Apache-2.0
// Pruning, quantisation, factorisation and compensation one after the other, on whole models.
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QHash>
#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace paretoscope;

namespace {

core::TrialOutcome outcomeOf(const std::string& stages, const std::string& model = "tiny-llama")
{
    const SweepUnderTest test("  - " + stages + "\n", 2, model);
    tests::SilentObserver observer;
    engine::TrialRunner runner(optionsFor(2));
    auto outcome = runner.run(test.request(0), observer);
    if (!outcome.ok())
        qFatal("%s: %s", stages.c_str(), outcome.error().sentence().c_str());
    return std::move(outcome).value();
}

double valueOf(const core::TrialOutcome& outcome, const char* metric)
{
    return *metricOf(outcome, metric).value;
}

/// The values of a layer metric of all units.
std::vector<double> layersOf(const core::TrialOutcome& outcome, std::string_view name)
{
    std::vector<double> values;
    for (const core::LayerMetricRecord& metric : outcome.layerMetrics) {
        if (metric.name == name)
            values.push_back(metric.value.value_or(NAN));
    }
    return values;
}

} // namespace

class TstComposedMethods : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyOrderThatMakesSenseRuns_data()
    {
        QTest::addColumn<QString>("stages");
        QTest::addColumn<QString>("model");
        const auto row = [](const char* stages) {
            for (const char* model : {"tiny-llama", "tiny-qwen3-moe"})
                QTest::addRow("%s, %s", model, stages) << QString::fromLatin1(stages) << QString::fromLatin1(model);
        };
        row("[magnitude: {pattern: \"2:4\"}, rtn: {bits: 4, group_size: 32}]");
        row("[wanda: {sparsity: 0.5}, gptq: {bits: 4, group_size: 32}]");
        row("[sparsegpt: {pattern: \"2:4\", bits: 4, group_size: 32}]");
        row("[sparsegpt: {sparsity: 0.6}, eora: {rank: 8}]");
        row("[rtn: {bits: 3, group_size: 32}, eora: {rank: 8, adapter_bits: 4, adapter_group_size: 32}]");
        row("[wanda: {pattern: \"2:4\"}, slim: {bits: 4, rank_ratio: 0.1}]");
        row("[gptq: {bits: 3, group_size: 32}, slim: {rank_ratio: 0.1, adapter_bits: 16}]");
        row("[svd_llm: {ratio: 0.8}, eora: {rank: 4, method: act}]");
        row("[asvd: {ratio: 0.7, factor_bits: 8}]");
    }
    void everyOrderThatMakesSenseRuns()
    {
        QFETCH(QString, stages);
        QFETCH(QString, model);
        const auto outcome = outcomeOf(stages.toStdString(), model.toStdString());
        QVERIFY(std::isfinite(valueOf(outcome, "perplexity")));
        QVERIFY(valueOf(outcome, "perplexity") < 4096); // better than every token alike
        if (!m_baseline.contains(model))
            m_baseline[model] = valueOf(outcomeOf("[]", model.toStdString()), "stored_bytes");
        QVERIFY(valueOf(outcome, "stored_bytes") < m_baseline[model]);
    }

    /// By the bytes: codes of pruned weights are not stored.
    void quantizersKeepPrunedWeightsZero_data()
    {
        QTest::addColumn<QString>("quantizer");
        QTest::addRow("rtn") << "rtn: {bits: 4, group_size: -1, symmetric: true}";
        QTest::addRow("gptq") << "gptq: {bits: 4, group_size: -1, symmetric: true}";
    }
    void quantizersKeepPrunedWeightsZero()
    {
        QFETCH(QString, quantizer);
        const std::string stage = quantizer.toStdString();
        const double dense = valueOf(outcomeOf("[" + stage + "]"), "stored_bytes");
        const double sparse = valueOf(outcomeOf("[magnitude: {pattern: \"1:4\"}, " + stage + "]"), "stored_bytes");
        // Of 4 codes of 4 bits one stays, with 2 bits for its place: 6 bits instead of 16.
        const double weights = 4 * (2.0 * 128 * 128 + 2 * 64 * 128 + 3 * 128 * 384); // of 4 blocks
        QCOMPARE(dense - sparse, weights / 4 * (16 - 6) / 8);
    }

    void densityIsRecorded()
    {
        const auto densities = layersOf(outcomeOf("[wanda: {sparsity: 0.75}]"), "density");
        QCOMPARE(densities.size(), std::size_t(4 * 7));
        QVERIFY(std::all_of(densities.begin(), densities.end(), [](double density) { return density == 0.25; }));
    }

    void compensationNeverMakesALayerWorse_data()
    {
        QTest::addColumn<QString>("stages");
        QTest::addRow("eora") << "[rtn: {bits: 2, group_size: 32}, eora: {rank: 8}]";
        QTest::addRow("act") << "[rtn: {bits: 2, group_size: 32}, eora: {rank: 8, method: act}]";
        QTest::addRow("svd") << "[rtn: {bits: 2, group_size: 32}, eora: {rank: 8, method: svd}]";
    }
    void compensationNeverMakesALayerWorse()
    {
        QFETCH(QString, stages);
        const auto left = layersOf(outcomeOf(stages.toStdString()), "compensated_error_ratio");
        QCOMPARE(left.size(), std::size_t(4 * 7));
        QVERIFY(std::all_of(left.begin(), left.end(), [](double ratio) { return ratio > 0 && ratio < 1; }));
    }

    /// W - Ŵ with the adapter in it, of the whole weight: not of what the quantizer had left.
    void errorsAreThoseOfTheWholePipeline()
    {
        const auto rounded = layersOf(outcomeOf("[rtn: {bits: 2, group_size: 32}]"), "relative_weight_error");
        const auto outcome = outcomeOf("[rtn: {bits: 2, group_size: 32}, eora: {rank: 8, method: svd}]");
        const auto all = layersOf(outcome, "relative_weight_error"); // of both stages, layer by layer
        QCOMPARE(all.size(), 2 * rounded.size());
        for (std::size_t i = 0; i < rounded.size(); ++i) {
            QCOMPARE(all[i], rounded[i]);
            const double compensated = all[rounded.size() + i];
            QVERIFY2(compensated > 0.1 * rounded[i] && compensated < rounded[i],
                     qPrintable(QStringLiteral("%1 after %2").arg(compensated).arg(rounded[i])));
        }
        for (const char* name : {"rtn_seconds", "eora_seconds"})
            QCOMPARE(layersOf(outcome, name).size(), rounded.size());
    }

    void theSecondUpdateNeverMakesALayerWorse()
    {
        const auto left = layersOf(outcomeOf("[svd_llm: {ratio: 0.6, update_u: true}]"), "update_u_error_ratio");
        QCOMPARE(left.size(), std::size_t(4 * 7));
        QVERIFY(std::all_of(left.begin(), left.end(), [](double ratio) { return ratio > 0 && ratio < 1 + 1e-9; }));
        QVERIFY(*std::min_element(left.begin(), left.end()) < 0.99);
    }

    void slimRoundsPrunedWeightsOnly()
    {
        const SweepUnderTest test("  - [rtn: {bits: 4}, slim: {bits: 4}]\n", 2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor(2));
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(outcome.error().message.find("this one is stored as group_affine already") != std::string::npos,
                 outcome.error().message.c_str());
    }

private:
    QHash<QString, double> m_baseline; ///< bytes of the model as it is
};

QTEST_GUILESS_MAIN(TstComposedMethods)
#include "tst_composed_methods.moc"
