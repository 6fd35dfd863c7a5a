// SPDX-License-Identifier: Apache-2.0
// Whole trials with a stage that uses the host's services and run-time parts through the plugin contract (probe/).
#include "core/engine/host/plugin_host.h"
#include "core/engine/host/service_host.h"
#include "core/engine/trial_runner.h"
#include "core/sweep/sweep.h"

#include <QtTest>

#include <cmath>
#include <map>

using namespace paretoscope;

namespace {

const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;
const std::filesystem::path kProbes = PARETOSCOPE_BUILD_TREE "/tests/plugins";

class Observer : public engine::TrialObserver
{
public:
    void progressed(std::string_view, int, int) override {}
    bool isCancelled() const override { return false; }
};

/// What one trial with the probe gave.
struct Probed
{
    double perplexity = 0;
    std::map<std::string, double> records;
};

Probed probe(const std::string& use, int threads = 1)
{
    const std::string text =
        "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
        "  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 3, length: 48}\n"
        "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 32, windows: 3}\n"
        "pipelines:\n  - [services: {use: " +
        use + "}]\n";
    const auto sweep = core::parseSweep(text, kResources / "test.yaml", core::PluginCatalogue::scan({kProbes}));
    if (!sweep.ok())
        qFatal("%s", sweep.error().sentence().c_str());
    const core::WorkloadIdentity identity = core::identifyWorkload(sweep.value().workload).value();
    const std::vector<core::PlannedTrial> trials = core::planTrials(sweep.value(), identity);
    engine::RunnerOptions options;
    options.threads = threads;
    options.pluginFolders = {kProbes};
    options.architectures = kResources / "architectures";
    engine::TrialRunner runner(options);
    Observer observer;
    const auto outcome =
        runner.run({trials[0].id, sweep.value().workload, identity, trials[0].pipeline, trials[0].seed, {0}}, observer);
    if (!outcome.ok())
        qFatal("%s", outcome.error().sentence().c_str());
    Probed probed;
    for (const core::MetricRecord& metric : outcome.value().metrics) {
        if (metric.name == "perplexity")
            probed.perplexity = *metric.value;
    }
    for (const core::LayerMetricRecord& record : outcome.value().layerMetrics) {
        if (!record.name.ends_with("seconds"))
            probed.records[record.name] = record.value.value_or(NAN);
    }
    return probed;
}

bool isClose(double found, double expected, double relative)
{
    qInfo("%.8g, expected %.8g", found, expected);
    return std::fabs(found - expected) <= relative * std::fabs(expected);
}

} // namespace

class TstServices : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void gradientsLowerTheLoss()
    {
        auto found = probe("gradients").records;
        QVERIFY(isClose(found.at("drop"), found.at("expected_drop"), 0.05));
        QCOMPARE(probe("gradients").records, found); // bit for bit
    }
    void hessianVectorProductsAreDifferencesOfGradients()
    {
        auto found = probe("hessian").records;
        QVERIFY(isClose(found.at("curvature"), found.at("expected_curvature"), 0.01));
    }
    void replayTrainsABlock()
    {
        auto found = probe("replay").records;
        QCOMPARE(found.at("own_loss"), 0.0);
        QCOMPARE(found.at("last_step"), 3.0); // query, key and value; output; gate and up; down
        QCOMPARE(found.at("knows_others"), 0.0);
        QVERIFY(found.at("broken_loss") > 0);
        QVERIFY(found.at("trained_loss") < 0.9 * found.at("broken_loss"));
    }
    void samplesAreTheActivations()
    {
        auto found = probe("samples").records;
        QVERIFY(found.at("difference") < 1e-5);
        QCOMPARE(found.at("places_differ"), 0.0); // two names of one place
        QCOMPARE(found.at("all_rows"), 3.0 * 48);
        QCOMPARE(found.at("some_rows"), 10.0);
        QCOMPARE(found.at("repeats"), 1.0);
    }
    void decodingWithAStoreOfItsOwn()
    {
        auto found = probe("decoding").records;
        QVERIFY(found.at("difference") < 1e-4);
        QCOMPARE(found.at("own_bits"), found.at("dense_bits"));
    }
    void hooksThatChangeNothingChangeNothing()
    {
        QVERIFY(isClose(probe("hooks").perplexity, probe("nothing").perplexity, 1e-5));
    }
    void storesTakePartInEvaluation()
    {
        const double full = probe("nothing").perplexity;
        QVERIFY(isClose(probe("kv_dense").perplexity, full, 1e-5));
        QVERIFY(std::fabs(probe("kv_quantised").perplexity / full - 1) > 1e-3);
        QVERIFY(probe("kv_window").perplexity > full * 1.001);
    }

    void aMissingServiceIsRefused()
    {
        core::PluginManifest manifest;
        manifest.id = "probe/other";
        const int version = engine::Gradients::kVersion;
        manifest.needs = {{"services", {{"gradients", version}, {"replay", 1}}}};
        QVERIFY(engine::checkServices(manifest).ok());
        for (const core::Json& services : {core::Json {{"gradients", version - 1}},
                                           core::Json {{"gradients", version + 1}}, core::Json {{"telepathy", 1}}}) {
            manifest.needs = {{"services", services}};
            const core::Status refused = engine::checkServices(manifest);
            QVERIFY(!refused.ok());
            QCOMPARE(refused.error().code, core::ErrorCode::Unsupported);
            QVERIFY2(refused.error().message.find(services.begin().key()) != std::string::npos,
                     refused.error().message.c_str());
        }
    }

    void rowsAreChosenEvenlyOrAtRandom()
    {
        using Selection = engine::SampleRequest::Selection;
        const std::vector<std::int64_t> strided {0, 2, 5, 7};
        QCOMPARE(engine::chooseRows(10, 4, Selection::Strided, 0), strided);
        std::vector<int> counts(20);
        for (std::uint64_t seed = 0; seed < 2000; ++seed) {
            const auto rows = engine::chooseRows(20, 5, Selection::Random, seed);
            QCOMPARE(rows.size(), std::size_t(5));
            QVERIFY(std::adjacent_find(rows.begin(), rows.end(), std::greater_equal()) == rows.end());
            for (const std::int64_t row : rows)
                ++counts[std::size_t(row)];
        }
        for (const int count : counts) // 500 expected, standard deviation 19
            QVERIFY(std::abs(count - 500) < 100);
        QCOMPARE(engine::chooseRows(6, 6, Selection::Random, 1).size(), std::size_t(6));
    }
};

QTEST_GUILESS_MAIN(TstServices)
#include "tst_services.moc"
