// SPDX-License-Identifier: Apache-2.0
// Sweeps whose driver chooses trials by the results of others.
#include "core/sweep/sweep_search.h"
#include "jobs/sweep_planning.h"
#include "jobs/sweep_runner.h"

#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include <map>
#include <memory>

using namespace paretoscope;
using core::TrialStatus;
using jobs::SweepRunner;
using jobs::SweepSummary;

namespace {

constexpr int kWait = 50'000;

constexpr auto kManifest = R"({
  "id": "fake/stage", "name": "Scripted", "version": "1", "kind": "stage", "summary": "Does what the test asks for.",
  "parameters": [
    {"name": "do", "type": "string", "default": "finish", "doc": "What happens."},
    {"name": "code", "type": "string", "default": "Numerical", "doc": "Error code."},
    {"name": "once", "type": "string", "default": "", "doc": "A file: what happens, happens once."},
    {"name": "n", "type": "integer", "default": 0, "minimum": 0, "maximum": 1000, "doc": "Makes a trial another one."}
  ]
})";

/// Ids of all finished trials.
std::vector<std::string> finishedIds(const std::filesystem::path& project)
{
    const auto store = core::ProjectStore::open(project, core::OpenMode::ReadOnly);
    const std::vector<core::TrialRecord> trials = store.value().trials().value();
    std::vector<std::string> ids;
    for (const core::TrialRecord& trial : trials) {
        if (trial.status == TrialStatus::Done)
            ids.push_back(trial.id.hex());
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::map<std::string, int> measurements(const std::filesystem::path& project)
{
    const auto store = core::ProjectStore::open(project, core::OpenMode::ReadOnly);
    const std::vector<core::TrialRecord> trials = store.value().trials().value();
    std::map<std::string, int> count;
    for (const core::TrialRecord& trial : trials) {
        for (const core::MetricRecord& metric : trial.metrics)
            count[trial.label] += metric.name == "perplexity" ? 1 : 0;
    }
    return count;
}

} // namespace

class TstAdaptiveSweep : public QObject
{
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> m_folder;
    core::PluginCatalogue m_plugins;

    std::filesystem::path path(const char* name) const { return m_folder->filePath(QLatin1String(name)).toStdString(); }

    core::Sweep sweepWith(const std::string& driver, const std::string& pipelines) const
    {
        const std::string text = "paretoscope: 1\nname: search\nworkload:\n"
                                 "  model: " PARETOSCOPE_RESOURCES "/models/tiny-llama\n"
                                 "  evaluate:\n"
                                 "    - perplexity: {corpus: " PARETOSCOPE_RESOURCES
                                 "/demo/corpora/wiki.test.tokens, length: 64, windows: 9}\n"
                                 "pipelines:\n" +
                                 pipelines + "driver: " + driver + "\n";
        auto sweep = core::parseSweep(text, "/search.yaml", m_plugins);
        if (!sweep.ok())
            qFatal("%s", sweep.error().sentence().c_str());
        return std::move(sweep).value();
    }
    core::Sweep evolving() const
    {
        return sweepWith("{nsga2: {population: 5, generations: 4}}", "  - []\n  - [stage: {n: {from: 0, to: 1000}}]\n");
    }
    core::Sweep halving() const
    {
        return sweepWith("{successive_halving: {trials: 9}}", "  - []\n  - [stage: {n: {from: 0, to: 1000}}]\n");
    }

    SweepSummary run(core::Sweep sweep, const char* project, const jobs::SweepOptions& options = tests::quickOptions())
    {
        auto store = core::ProjectStore::open(path(project), core::OpenMode::Create);
        SweepRunner runner(std::move(sweep), std::move(store).value(), options);
        SweepSummary summary;
        bool isOver = false;
        m_batches = 0;
        m_added = runner.prepare().ok() ? runner.plan().remaining() : -1;
        QObject::connect(&runner, &SweepRunner::planExtended, &runner, [&](const jobs::SweepPlan&, int added) {
            ++m_batches;
            m_added += added;
        });
        QObject::connect(&runner, &SweepRunner::finished, &runner, [&](const SweepSummary& its) {
            summary = its;
            isOver = true;
        });
        runner.start();
        [&] { QTRY_VERIFY_WITH_TIMEOUT(isOver, kWait); }();
        return summary;
    }

    int m_batches = 0;
    int m_added = 0;

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        const std::filesystem::path folder = path("plugins/fake/stage");
        std::filesystem::create_directories(folder);
        QFile manifest(QString::fromStdString((folder / "manifest.json").string()));
        QVERIFY(manifest.open(QIODevice::WriteOnly) && manifest.write(kManifest) > 0);
        manifest.close();
        m_plugins = core::PluginCatalogue::scan({path("plugins")});
    }
    void cleanup() { QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty()); }

    void generationsFollowOneAnother()
    {
        const SweepSummary summary = run(evolving(), "a.pscope");
        QCOMPARE(m_batches, 3); // after the first one, which the plan begins with
        QCOMPARE(m_added, 21);
        QCOMPARE(summary.total, 21);
        QCOMPARE(summary.done, 21);
        QCOMPARE(summary.interrupted + summary.left + summary.failed + summary.skipped, 0);
        const SweepSummary again = run(evolving(), "a.pscope");
        QCOMPARE(again.total, 21);
        QCOMPARE(again.skipped, 21);
        QCOMPARE(again.done, 0);
    }

    void workersDoNotChangeWhatIsChosen()
    {
        run(evolving(), "one.pscope", tests::quickOptions(1));
        run(evolving(), "three.pscope", tests::quickOptions(3));
        QCOMPARE(finishedIds(path("three.pscope")), finishedIds(path("one.pscope")));
        QCOMPARE(finishedIds(path("one.pscope")).size(), std::size_t(21));
    }

    void goesOnWhereItStopped()
    {
        run(evolving(), "whole.pscope");
        jobs::SweepOptions few = tests::quickOptions();
        few.maxTrials = 4;
        SweepSummary summary;
        int runs = 0;
        do {
            summary = run(evolving(), "parts.pscope", few);
            QVERIFY(summary.done <= 4);
            ++runs;
        } while (summary.done > 0);
        QCOMPARE(runs, 7); // 21 trials, and one that finds nothing
        QCOMPARE(finishedIds(path("parts.pscope")), finishedIds(path("whole.pscope")));
    }

    void halvingMeasuresTheBestOnesMore()
    {
        const SweepSummary summary = run(halving(), "h.pscope");
        QCOMPARE(m_added, 10 + 3 + 1);
        QCOMPARE(summary.total, 10);
        QCOMPARE(summary.done, 10);
        QCOMPARE(summary.interrupted, 0);
        std::map<int, int> trials; // by the number of perplexities
        for (const auto& [label, count] : measurements(path("h.pscope")))
            ++trials[count];
        QCOMPARE(trials, (std::map<int, int> {{1, 7}, {2, 2}, {3, 1}})); // the baseline among those with one
        const SweepSummary again = run(halving(), "h.pscope");
        QCOMPARE(again.skipped, 10);
        QCOMPARE(again.done, 0);
    }

    void halvingGoesOnWhereItStopped()
    {
        run(halving(), "whole.pscope");
        jobs::SweepOptions few = tests::quickOptions();
        few.maxTrials = 3;
        while (run(halving(), "parts.pscope", few).done > 0) {
        }
        QCOMPARE(measurements(path("parts.pscope")), measurements(path("whole.pscope")));
    }

    void failuresCountAsMeasured()
    {
        const core::Sweep sweep = sweepWith("{nsga2: {population: 4, generations: 3}}",
                                            "  - [stage: {do: [finish, fail], n: {from: 0, to: 1000}}]\n");
        const SweepSummary summary = run(sweep, "f.pscope");
        QVERIFY(summary.failed > 0);
        QCOMPARE(summary.done + summary.failed, 12);
        const SweepSummary again = run(sweep, "f.pscope");
        QCOMPARE(again.skipped, summary.done);
        QCOMPARE(again.held, summary.failed);
        QCOMPARE(again.done + again.failed, 0);
    }

    /// A lost worker while others wait for the next batch.
    void lostWorkersDoNotStopTheSearch()
    {
        const std::string marker = path("marker").string();
        const core::Sweep sweep = sweepWith("{nsga2: {population: 3, generations: 3}}",
                                            "  - [stage: {do: kill, once: " + marker + ", n: {from: 0, to: 1000}}]\n");
        const SweepSummary summary = run(sweep, "l.pscope", tests::quickOptions(3));
        QCOMPARE(summary.done, 9);
        QVERIFY(std::filesystem::exists(marker));
    }

    void cannotBeDivided_data()
    {
        QTest::addColumn<int>("shards");
        QTest::addColumn<std::string>("only");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("shards") << 2 << std::string() << std::string("its sweep cannot be divided into shards");
        QTest::addRow("only") << 1 << std::string("n=3") << std::string("--only cannot leave some out");
    }
    void cannotBeDivided()
    {
        QFETCH(int, shards);
        QFETCH(std::string, only);
        QFETCH(std::string, expected);
        jobs::SweepOptions options = tests::quickOptions();
        options.shardCount = shards;
        options.only = only;
        const core::Sweep sweep = evolving();
        const auto identity = core::identifySweep(sweep);
        const auto prepared = jobs::prepareSweep(sweep, identity.value(), options, {});
        QVERIFY(!prepared.ok());
        QVERIFY2(prepared.error().message.find(expected) != std::string::npos, prepared.error().message.c_str());
        QVERIFY(!prepared.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstAdaptiveSweep)
#include "tst_adaptive_sweep.moc"
