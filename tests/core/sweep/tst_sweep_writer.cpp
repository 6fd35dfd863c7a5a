// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/reproduce.h"
#include "core/sweep/trial_exchange.h"
#include "sweep_fixture.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

class TstSweepWriter : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

    /// All that the trials follow from.
    static std::string meaningOf(const Sweep& sweep)
    {
        Json json {{"name", sweep.name},        {"workload", toJson(sweep.workload)}, {"driver", sweep.driver},
                   {"seed", sweep.seed},        {"repeats", sweep.repeatSeeds},       {"objectives", sweep.objectives},
                   {"pipelines", Json::array()}};
        for (const Pipeline& pipeline : sweep.pipelines)
            json["pipelines"].push_back({{"stages", toJson(pipeline)}, {"label", pipeline.label()}});
        return json.dump();
    }

private Q_SLOTS:
    void writesWhatAPersonWouldWrite()
    {
        const auto read =
            m_fixture.parse(SweepFixture::withPipelines("  - []\n"
                                                        "  - [rtn: {bits: [2, 3, 4], group_size: [32, 64]}]\n"
                                                        "  - [gptq: {bits: [2, 3], group_size: 64}]\n"));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const std::string root = m_fixture.root().string();
        QCOMPARE(writeSweep(read.value()), "paretoscope: 1\n"
                                           "name: sweep\n"
                                           "workload:\n"
                                           "  kind: causal-lm\n"
                                           "  model: " +
                                               root +
                                               "/models/tiny\n"
                                               "  calibration: {corpus: " +
                                               root +
                                               "/data/train.txt, length: 16, samples: 4}\n"
                                               "  evaluate:\n"
                                               "    - perplexity: {corpus: " +
                                               root +
                                               "/data/test.txt, length: 16}\n"
                                               "pipelines:\n"
                                               "  - []\n"
                                               "  - [quantization/rtn: {bits: [2, 3, 4], group_size: [32, 64]}]\n"
                                               "  - [quantization/gptq: {bits: [2, 3], group_size: 64}]\n"
                                               "driver: {grid: {}}\n"
                                               "objectives: [perplexity, stored_bytes]\n"
                                               "seed: 0\n");
    }

    void whatIsWrittenReadsTheSame_data()
    {
        QTest::addColumn<std::string>("pipelines");
        QTest::addColumn<int>("lines"); // of the written list
        const auto row = [](const char* tag, const char* pipelines, int lines) {
            QTest::addRow("%s", tag) << std::string(pipelines) << lines;
        };
        row("baseline", "  - []\n", 1);
        row("defaults", "  - rtn\n  - gptq\n", 2);
        row("slowest first", "  - [rtn: {group_size: [32, 64], bits: [2, 3]}]\n", 1);
        row("one value between two", "  - [rtn: {group_size: [32, 64], clip: mse, bits: [2, 3]}]\n", 1);
        row("two stages", "  - [gptq: {bits: [3, 4]}, eora: {rank: [8, 16, 32]}]\n", 1);
        row("same plugin twice", "  - [rtn: {bits: [8, 6], exclude: [a]}, rtn: {bits: [4, 3], include: [a]}]\n", 1);
        row("two entries that make one grid", "  - [rtn: {bits: 2}]\n  - [rtn: {bits: 3}]\n", 1);
        row("no grid", "  - [rtn: {bits: 2, group_size: 32}]\n  - [rtn: {bits: 3, group_size: 64}]\n", 2);
        row("grid with a hole", "  - [rtn: {bits: [2, 3], group_size: 32}]\n  - [rtn: {bits: 2, group_size: 64}]\n", 3);
        row("wrong order for a grid",
            "  - [rtn: {bits: 2, group_size: 32}]\n  - [rtn: {bits: 3, group_size: 64}]\n"
            "  - [rtn: {bits: 2, group_size: 64}]\n  - [rtn: {bits: 3, group_size: 32}]\n",
            4);
        row("shapes alternate", "  - rtn\n  - [rtn: {bits: 3}]\n  - [rtn: {bits: 2}]\n  - [rtn: {clip: mse}]\n", 3);
        row("lists", "  - [rtn: {include: [a, \"*.b\"]}]\n", 1);
        row("lists of lists", "  - [rtn: {include: [[a], [b, c], []], bits: [2, 3]}]\n", 1);
        row("texts that look like something else",
            "  - [must: {checkpoint: [\"4\", \"true\", \"~\", \"a: b\", \"#x\", \" \"]}]\n", 1);
        row("texts of any character", "  - [must: {checkpoint: \"\\\"q\\\" \\n \\u00e9 \\u2028 \\x7f \\x85\"}]\n", 1);
        row("numbers", "  - [gptq: {damping: [0.1, 0.30000000000000004, 1e-5, 1]}]\n", 1);
    }
    void whatIsWrittenReadsTheSame()
    {
        QFETCH(std::string, pipelines);
        QFETCH(int, lines);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(pipelines));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const std::string written = writeSweep(read.value());
        const auto again = m_fixture.parse(written);
        QVERIFY2(again.ok(), again.ok() ? "" : (again.error().sentence() + "\n" + written).c_str());
        QCOMPARE(meaningOf(again.value()), meaningOf(read.value()));
        QCOMPARE(QString::fromStdString(written).count(QStringLiteral("\n  - [")), lines);
        QCOMPARE(writeSweep(again.value()), written);
    }

    void trialTellsHowToRunItAgain_data() { whatIsWrittenReadsTheSame_data(); }
    void trialTellsHowToRunItAgain()
    {
        QFETCH(std::string, pipelines);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(pipelines), {"seed=7"});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        WorkloadIdentity identity;
        identity.model = sha256("model");
        identity.calibrationCorpus = sha256("train");
        for (const PlannedTrial& planned : planTrials(read.value(), identity)) {
            TrialRecord trial;
            trial.id = planned.id;
            trial.pipeline = toJson(planned.pipeline);
            trial.seed = planned.seed;
            trial.provenance = {{"workload", toJson(read.value().workload)}};
            const auto sweep = reproducingSweep(trial);
            QVERIFY2(sweep.ok(), sweep.ok() ? "" : sweep.error().sentence().c_str());
            const std::string written = writeSweep(sweep.value());
            const auto again = m_fixture.parse(written, {}, "other.yaml");
            QVERIFY2(again.ok(), again.ok() ? "" : (again.error().sentence() + "\n" + written).c_str());
            const auto plan = planTrials(again.value(), identity);
            QCOMPARE(plan.size(), std::size_t(1));
            QCOMPARE(plan.front().id.hex(), planned.id.hex());
        }
    }

    void trialWithoutItsWorkloadSaysSo()
    {
        TrialRecord trial;
        trial.provenance = {{"imported", {{"file", "table.csv"}}}};
        const auto sweep = reproducingSweep(trial);
        QVERIFY(!sweep.ok());
        QCOMPARE(sweep.error().code, ErrorCode::NotFound);
    }

    void everythingElseReadsTheSame()
    {
        m_fixture.put("models/m \xc3\xa9 #1: x/config.json", "{}");
        const auto read = m_fixture.parse(
            SweepFixture::withPipelines("  - []\n"),
            {"name=a \"study\": 1 # \xf0\x9f\x98\x80", "seed=18446744073709551615,1", "objectives=perplexity",
             "workload.calibration.select=random", "workload.calibration.seed=3",
             "workload.evaluate.0.perplexity.bos=first", "workload.evaluate.0.perplexity.score=second-half",
             "workload.model=" + (m_fixture.root() / "models/m \xc3\xa9 #1: x").string()});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const auto again = m_fixture.parse(writeSweep(read.value()), {}, "other.yaml");
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().sentence().c_str());
        QCOMPARE(meaningOf(again.value()), meaningOf(read.value()));
    }

    void writesLongListsInTime()
    {
        std::string pipelines;
        for (int i = 0; i < 5000; ++i)
            pipelines += "  - [gptq: {damping: " + std::to_string(1 + (i * 7919) % 20011) +
                         "e-6, bits: " + std::to_string(2 + i % 7) + "}]\n";
        const auto read = m_fixture.parse(SweepFixture::withPipelines(pipelines));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const auto again = m_fixture.parse(writeSweep(read.value()));
        QVERIFY(again.ok());
        QCOMPARE(meaningOf(again.value()), meaningOf(read.value()));
    }
};

QTEST_GUILESS_MAIN(TstSweepWriter)
#include "tst_sweep_writer.moc"
