// SPDX-License-Identifier: Apache-2.0
// A stage with levels runs once; trials that differ in the cut alone go on from there, with the numbers they have
// alone.
#include "trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

namespace {

const SweepUnderTest& curve()
{
    static const SweepUnderTest sweep("  - [bitstack: {target_size: [2.5, 3.5, 5], blocks: 4}]\n", 2);
    return sweep;
}

struct Cut
{
    QByteArray essence;
    int sharedSteps = -1;
    double bits = 0;
    double error = 0; ///< relative, of all weights together
};

Cut cut(engine::TrialRunner& runner, std::size_t trial, std::vector<int> shared)
{
    core::TrialRequest request = curve().request(trial);
    request.sharedBeginnings = std::move(shared);
    Observer observer;
    const auto outcome = runner.run(request, observer);
    if (!outcome.ok())
        qFatal("%s", outcome.error().sentence().c_str());
    Cut cut;
    core::Json essence = core::Json::array();
    for (const core::MetricRecord& metric : outcome.value().metrics) {
        if (metric.name == "bits_per_parameter")
            cut.bits = metric.value.value_or(0);
        if (metric.name != "peak_memory_bytes")
            essence.push_back(core::toJson(metric));
    }
    for (const core::LayerMetricRecord& record : outcome.value().layerMetrics) {
        if (record.name == "relative_weight_error")
            cut.error += record.value.value_or(0);
        if (!record.name.ends_with("seconds"))
            essence.push_back({record.module, record.name, record.value.value_or(-1)});
    }
    cut.essence = QByteArray::fromStdString(essence.dump());
    cut.sharedSteps = outcome.value().provenance.at("shared_steps").get<int>();
    return cut;
}

} // namespace

class TstLevels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void oneRunServesAllCuts_data()
    {
        QTest::addColumn<bool>("inMemory"); ///< of one process; otherwise through the cache
        QTest::addRow("in memory") << true;
        QTest::addRow("in the cache") << false;
    }
    void oneRunServesAllCuts()
    {
        QFETCH(bool, inMemory);
        const QTemporaryDir folder;
        const QString cache = inMemory ? QString() : folder.path();
        engine::TrialRunner warm(optionsFor(1, cache));
        Cut before;
        for (std::size_t trial = 0; trial < curve().trials.size(); ++trial) {
            engine::TrialRunner cold(optionsFor(1, cache));
            const Cut together =
                cut(inMemory ? warm : cold, trial, trial < 2 ? std::vector<int> {1} : std::vector<int>());
            QCOMPARE(together.sharedSteps, trial == 0 ? 0 : 1);
            engine::TrialRunner alone(optionsFor());
            QCOMPARE(together.essence, cut(alone, trial, {}).essence);
            if (trial > 0) {
                QVERIFY(together.bits > before.bits);
                QVERIFY(together.error < before.error);
            }
            before = together;
        }
    }
};

QTEST_GUILESS_MAIN(TstLevels)
#include "tst_levels.moc"
