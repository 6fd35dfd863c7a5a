// SPDX-License-Identifier: Apache-2.0
// Sweeps in which a driver chooses.
#include "core/sweep/sweep_search.h"

#include "sweep_fixture.h"

#include "core/base/sha256.h"

#include <QtTest>

#include <map>
#include <set>
#include <string>

using namespace paretoscope::core;

namespace {

const std::string kPipelines = "  - []\n"
                               "  - [rtn: {bits: {from: 2, to: 8}, group_size: {from: 8, to: 512, factor: 2}}]\n"
                               "  - [gptq: {bits: [3, 4], damping: {from: 1e-3, to: 0.1, log: true}}]\n";

std::string withDriver(const std::string& driver, const std::string& pipelines = kPipelines)
{
    std::string text = SweepFixture::withPipelines(pipelines) + "driver: " + driver + "\n";
    return text.replace(text.find("length: 16}]"), 12, "length: 16, windows: 9}]");
}

/// The identity without files: every metric has a protocol of its own.
WorkloadIdentity identityOf(const Sweep& sweep)
{
    WorkloadIdentity identity;
    for (const MetricSpec& metric : sweep.workload.evaluate)
        identity.protocolIds.push_back(metric.name + "/" + metric.options.dump());
    identity.dataDigests.resize(identity.protocolIds.size());
    return identity;
}

/// Numbers that depend on the pipeline alone.
TrialRecord measured(const PlannedTrial& trial, const WorkloadIdentity& identity, TrialRecord record = {})
{
    record.id = trial.id;
    record.status = TrialStatus::Done;
    const auto add = [&](const char* name, const std::string& protocol) {
        MetricRecord& metric = record.metrics.emplace_back();
        metric.name = name;
        metric.protocol = protocol;
        metric.value = sha256(trial.pipeline.label() + name).bytes[0];
    };
    for (const int index : trial.measurements)
        add("perplexity", identity.protocolIds[std::size_t(index)]);
    add("stored_bytes", "");
    return record;
}

} // namespace

class TstSweepSearch : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

    Sweep parse(const std::string& text)
    {
        auto read = m_fixture.parse(text);
        if (!read.ok())
            qFatal("%s", read.error().sentence().c_str());
        return std::move(read).value();
    }

private Q_SLOTS:
    void samplersChooseWhenTheFileIsRead_data()
    {
        QTest::addColumn<std::string>("driver");
        QTest::addColumn<int>("chosen");
        QTest::addRow("random") << std::string("{random: {trials: 9}}") << 9;
        QTest::addRow("random by name") << std::string("random") << 32;
        QTest::addRow("sobol") << std::string("{sobol: {trials: 16}}") << 16;
    }
    void samplersChooseWhenTheFileIsRead()
    {
        QFETCH(std::string, driver);
        QFETCH(int, chosen);
        const Sweep sweep = parse(withDriver(driver));
        QVERIFY(!sweep.isGrid() && !sweep.isAdaptive());
        QCOMPARE(sweep.pipelines.size(), std::size_t(1 + chosen));
        QVERIFY(sweep.pipelines[0].stages.empty()); // in which nothing is to be chosen
        std::set<std::string> plugins;
        for (const Pipeline& pipeline : sweep.pipelines) {
            if (pipeline.stages.empty())
                continue;
            const StageSpec& stage = pipeline.stages[0];
            plugins.insert(stage.plugin);
            if (stage.plugin == "quantization/gptq") {
                const double damping = stage.parameters.at("damping").get<double>();
                QVERIFY(damping >= 1e-3 && damping <= 0.1);
            }
        }
        QCOMPARE(plugins.size(), std::size_t(2));
        const std::string labels = SweepFixture::labels(sweep);
        QCOMPARE(SweepFixture::labels(parse(withDriver(driver))), labels);
        QVERIFY(SweepFixture::labels(parse(withDriver(driver) + "seed: 1\n")) != labels);
        QCOMPARE(SweepFixture::labels(parse(writeSweep(sweep))), labels); // elements of an array read that
    }

    void smallSpacesAreExhausted()
    {
        const Sweep sweep = parse(withDriver("{random: {trials: 99}}", "  - [rtn: {bits: [2, 3, 4]}]\n"));
        QCOMPARE(sweep.pipelines.size(), std::size_t(3));
    }

    void seedsRepeatWhatWasChosen()
    {
        const Sweep sweep = parse(withDriver("{random: {trials: 4}}") + "seed: [3, 4]\n");
        QCOMPARE(planTrials(sweep, identityOf(sweep)).size(), std::size_t(1 + 2 * 4));
    }

    void adaptiveSweepsBeginWithTheirFirstBatch()
    {
        const Sweep sweep = parse(withDriver("{nsga2: {population: 6, generations: 4}}"));
        QVERIFY(sweep.isAdaptive());
        QCOMPARE(sweep.pipelines.size(), std::size_t(7));
        const WorkloadIdentity identity = identityOf(sweep);
        SweepSearch search(sweep, identity, "float32");
        std::set<std::string> first;
        for (const PlannedTrial& trial : search.ask())
            first.insert(trial.pipeline.label());
        std::set<std::string> planned;
        for (const PlannedTrial& trial : planTrials(sweep, identity)) {
            if (!trial.pipeline.stages.empty())
                planned.insert(trial.pipeline.label());
        }
        QCOMPARE(first, planned);
    }

    void writingKeepsWhatIsToBeChosen_data()
    {
        QTest::addColumn<std::string>("driver");
        QTest::addRow("nsga2") << std::string("{nsga2: {population: 6, generations: 4, "
                                              "constraints: [\"stored_bytes <= 100\"]}}");
        QTest::addRow("successive halving") << std::string("{successive_halving: {trials: 9}}");
    }
    void writingKeepsWhatIsToBeChosen()
    {
        QFETCH(std::string, driver);
        const std::string pipelines =
            "  - [rtn: {clip_norm: 3, bits: {from: 2, to: 4}, group_size: {values: [32, 64], when: {bits: [2, 3]}}, "
            "include: [[a, b], [c]]}, eora: {rank: {from: 8, to: 64, factor: 2, when: {rtn.bits: {to: 3}}}}]\n"
            "  - [gptq: {damping: {from: 1e-3, to: 0.1, log: true}}]\n";
        const Sweep sweep = parse(withDriver(driver, pipelines));
        const std::string written = writeSweep(sweep);
        const Sweep again = parse(written);
        QCOMPARE(writeSweep(again), written);
        QCOMPARE(SweepFixture::labels(again), SweepFixture::labels(sweep));
        QCOMPARE(again.driver, sweep.driver);
        QCOMPARE(again.rungs, sweep.rungs);
    }

    void goesOnFromTheRecords()
    {
        const Sweep sweep = parse(withDriver("{nsga2: {population: 6, generations: 4}}"));
        const WorkloadIdentity identity = identityOf(sweep);
        std::map<TrialId, TrialRecord> project;
        SweepSearch::Records records;
        std::vector<std::vector<TrialId>> batches;
        SweepSearch search(sweep, identity, "float32");
        for (auto batch = search.ask(); !batch.empty(); batch = search.ask()) {
            batches.emplace_back();
            for (const PlannedTrial& trial : batch) {
                QVERIFY(!project.contains(trial.id));
                batches.back().push_back(trial.id);
                records[trial.id] = &(project[trial.id] = measured(trial, identity));
            }
            search.tell(records);
        }
        QCOMPARE(batches.size(), std::size_t(4));
        SweepSearch again(sweep, identity, "float32");
        for (const std::vector<TrialId>& expected : batches) {
            std::vector<TrialId> asked;
            for (const PlannedTrial& trial : again.ask())
                asked.push_back(trial.id);
            QCOMPARE(asked, expected);
            again.tell(records);
        }
        QVERIFY(again.ask().empty());
    }

    void halvingMeasuresMoreOfLess()
    {
        const Sweep sweep = parse(withDriver("{successive_halving: {trials: 9}}"));
        QCOMPARE(sweep.rungs, (std::vector<std::vector<int>> {{1}, {2}, {0}}));
        QCOMPARE(sweep.workload.evaluate[1].options.at("windows"), Json(1));
        QCOMPARE(sweep.workload.evaluate[2].options.at("windows"), Json(3));
        const WorkloadIdentity identity = identityOf(sweep);
        const std::vector<PlannedTrial> planned = planTrials(sweep, identity);
        QCOMPARE(planned.size(), std::size_t(10));
        QCOMPARE(planned[0].measurements, std::vector<int> {0}); // the baseline, in full
        QCOMPARE(planned[1].measurements, std::vector<int> {1});

        std::map<TrialId, TrialRecord> project;
        SweepSearch::Records records;
        std::vector<std::size_t> sizes;
        std::vector<TrialId> last;
        SweepSearch search(sweep, identity, "float32");
        for (auto batch = search.ask(); !batch.empty(); batch = search.ask()) {
            for (const PlannedTrial& trial : batch) {
                QVERIFY(last.empty() || std::find(last.begin(), last.end(), trial.id) != last.end());
                records[trial.id] = &(project[trial.id] = measured(trial, identity, project[trial.id]));
            }
            sizes.push_back(batch.size());
            last.clear();
            for (const PlannedTrial& trial : batch)
                last.push_back(trial.id);
            search.tell(records);
        }
        QCOMPARE(sizes, (std::vector<std::size_t> {9, 3, 1}));
    }

    void whatWasMeasuredOtherwiseDoesNotCount()
    {
        const Sweep sweep = parse(withDriver("{nsga2: {population: 4, generations: 3}}"));
        const WorkloadIdentity identity = identityOf(sweep);
        const auto secondBatch = [&](const char* dtype, const char* protocol) {
            SweepSearch search(sweep, identity, "float32");
            std::map<TrialId, TrialRecord> project;
            SweepSearch::Records records;
            for (const PlannedTrial& trial : search.ask()) {
                TrialRecord& record = project[trial.id] = measured(trial, identity);
                record.metrics[0].dtype = dtype;
                if (*protocol)
                    record.metrics[0].protocol = protocol;
                records[trial.id] = &record;
            }
            search.tell(records);
            std::vector<TrialId> ids;
            for (const PlannedTrial& trial : search.ask())
                ids.push_back(trial.id);
            return ids;
        };
        const auto ofFailures = secondBatch("float32", "another");
        QCOMPARE(secondBatch("bfloat16", ""), ofFailures);
        QVERIFY(secondBatch("float32", "") != ofFailures);
        QCOMPARE(secondBatch("", ""), secondBatch("float32", ""));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("expected");
        const auto row = [](const char* tag, const std::string& text, const char* expected) {
            QTest::addRow("%s", tag) << text << std::string(expected);
        };
        row("nothing to choose", withDriver("random", "  - [rtn: {bits: 3}]\n"),
            ":8:9: driver random has nothing to choose: no parameter has several values");
        row("unknown option", withDriver("{random: {trails: 9}}"),
            ":10:19: driver.random: unknown key \"trails\" (did you mean \"trials\"?)");
        row("no number", withDriver("{random: {trials: many}}"), ":10:19: driver.random.trials is \"many\", not");
        row("options are a list", withDriver("{random: [9]}"), ":10:18: driver.random holds [9], not keys");
        row("constraint of nothing", withDriver("{nsga2: {constraints: [\"bits_per_paramter <= 4\"]}}"),
            ":10:31: constraints: \"bits_per_paramter\" is not measured by this sweep (did you mean "
            "\"bits_per_parameter\"?)");
        row("too many trials", withDriver("{nsga2: {population: 1000, generations: 1000}}"),
            ":10:9: driver nsga2 asks for more than 100000 trials");
        row("several seeds", withDriver("nsga2") + "seed: [1, 2]\n",
            ":11:7: driver nsga2 goes by the results of one seed");
        row("no windows", SweepFixture::withPipelines(kPipelines) + "driver: successive_halving\n",
            ":10:9: driver successive_halving must know how many windows perplexity takes in the end");
        row("no objective on windows", withDriver("successive_halving") + "objectives: [stored_bytes]\n",
            ":10:9: driver successive_halving has no objective that windows measure");
    }
    void refuses()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, expected);
        const auto read = m_fixture.parse(text);
        QVERIFY(!read.ok());
        QVERIFY2(read.error().sentence().find(expected) != std::string::npos, read.error().sentence().c_str());
        QVERIFY(!read.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstSweepSearch)
#include "tst_sweep_search.moc"
