// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"
#include "core/sweep/trial_exchange.h"
#include "sweep_fixture.h"

#include <QtTest>

#include <clocale>
#include <locale>
#include <string>

using namespace paretoscope::core;

namespace {

WorkloadSpec workload()
{
    WorkloadSpec spec;
    spec.kind = "causal-lm";
    spec.model = "/somewhere/model";
    spec.calibration = CalibrationSpec {};
    spec.calibration->corpus = "/somewhere/train.txt";
    spec.calibration->samples = 32;
    spec.calibration->length = 512;
    return spec;
}

WorkloadIdentity identity()
{
    WorkloadIdentity contents;
    contents.model = sha256("model");
    contents.tokenizer = sha256("tokenizer");
    contents.calibrationCorpus = sha256("train");
    contents.protocolIds = {"perplexity.window/test.txt#00000000/512/first0+all/bos-none/join-raw/score-all"};
    contents.dataDigests = {sha256("test")};
    return contents;
}

Pipeline pipeline(bool calibrated, const Json& parameters)
{
    const std::string plugin = calibrated ? "quantization/gptq" : "quantization/rtn";
    return {{{plugin, "1.0.0", parameters, Json::object(), calibrated}}};
}

WorkloadSpec demoWorkload(const SweepFixture& fixture)
{
    WorkloadSpec spec;
    spec.kind = "causal-lm";
    spec.model = PARETOSCOPE_RESOURCES "/models/tiny-llama";
    spec.evaluate = {{"perplexity", {{"corpus", (fixture.root() / "data/test.txt").string()}}}};
    return spec;
}

struct DecimalComma : std::numpunct<char>
{
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

} // namespace

class TstTrialId : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Fixed for ever: a change here makes every result of every project unknown. If it is meant, raise
    /// kEngineNumericsVersion instead of editing the expected ids.
    void knownIds_data()
    {
        QTest::addColumn<Pipeline>("stages");
        QTest::addColumn<std::uint64_t>("seed");
        QTest::addColumn<std::string>("canonical"); // what is hashed
        const auto row = [](const char* tag, const Pipeline& stages, std::uint64_t seed, std::string canonical) {
            for (char& c : canonical)
                c = c == '\'' ? '"' : c;
            QTest::addRow("%s", tag) << stages << seed << canonical;
        };
        const std::string model = sha256("model").hex();
        row("baseline", {}, 0, "{'engine':2,'model':'" + model + "','pipeline':[]}");
        row("not calibrated", pipeline(false, {{"group_size", 64}, {"bits", 3}, {"clip", "none"}}), 7,
            "{'engine':2,'model':'" + model +
                "','pipeline':[{'parameters':{'bits':3,'clip':'none','group_size':64},'plugin':'quantization/rtn',"
                "'version':'1.0.0'}],'seed':7}");
        row("calibrated", pipeline(true, {{"damping", 0.01}}), 18446744073709551615U,
            "{'calibration':{'corpus':'" + sha256("train").hex() +
                "','join':'raw','length':512,'samples':32,'select':'first','tokenizer':'" + sha256("tokenizer").hex() +
                "'},'engine':2,'model':'" + model +
                "','pipeline':[{'parameters':{'damping':0.01},'plugin':'quantization/gptq','version':'1.0.0'}],"
                "'seed':18446744073709551615}");
    }
    void knownIds()
    {
        QFETCH(Pipeline, stages);
        QFETCH(std::uint64_t, seed);
        QFETCH(std::string, canonical);
        QCOMPARE(trialId(workload(), identity(), stages, seed).hex(), sha256(canonical).hex());
    }

    void oneVectorInFull()
    {
        // echo -n '{"engine":2,"model":"9372c470...","pipeline":[]}' | sha256sum
        QCOMPARE(sha256("model").hex(),
                 std::string("9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"));
        QCOMPARE(trialId(workload(), identity(), {}, 0).hex(),
                 std::string("77a2f9708dffe5f91477357f250c14783f65dc10aee537de066dd446bc465c8a"));
    }

    void spellingDoesNotMatter()
    {
        const TrialId id = trialId(workload(), identity(), pipeline(true, {{"a", 1}, {"b", 4}, {"c", 0.25}}), 0);
        const Json reordered = Json::parse("{\"c\": 2.5e-1, \"b\": 4.0, \"a\": 1e0}");
        QCOMPARE(trialId(workload(), identity(), pipeline(true, reordered), 0), id);

        Pipeline labelled = pipeline(true, reordered);
        labelled.stages[0].given = {{"a", 1}};
        QCOMPARE(trialId(workload(), identity(), labelled, 0), id);

        const std::locale before = std::locale::global(std::locale(std::locale(), new DecimalComma));
        std::setlocale(LC_ALL, "de_DE.UTF-8"); // where it is installed
        const TrialId german = trialId(workload(), identity(), pipeline(true, reordered), 0);
        std::locale::global(before);
        std::setlocale(LC_ALL, "C");
        QCOMPARE(german, id);
    }

    void pathsDoNotMatter()
    {
        WorkloadSpec moved = workload();
        moved.model = "/elsewhere/x.gguf";
        moved.calibration->corpus = "/elsewhere/y.txt";
        const Pipeline stages = pipeline(true, {{"bits", 3}});
        QCOMPARE(trialId(moved, identity(), stages, 0), trialId(workload(), identity(), stages, 0));
    }

    void whatChangesTheResultChangesTheId_data()
    {
        QTest::addColumn<bool>("calibrated");
        QTest::addColumn<bool>("changes");
        QTest::addColumn<std::string>("what");
        for (const char* what : {"parameter", "version", "plugin", "seed", "model", "order"})
            QTest::addRow("%s", what) << false << true << std::string(what);
        for (const char* what : {"corpus", "samples", "length", "select", "calibration seed", "tokenizer", "jsonl"}) {
            QTest::addRow("%s of a calibrated stage", what) << true << true << std::string(what);
            QTest::addRow("%s without a calibrated stage", what) << false << false << std::string(what);
        }
        for (const char* what : {"evaluation", "seed of the baseline"})
            QTest::addRow("%s", what) << true << false << std::string(what);
    }
    void whatChangesTheResultChangesTheId()
    {
        QFETCH(bool, calibrated);
        QFETCH(bool, changes);
        QFETCH(std::string, what);
        WorkloadSpec spec = workload();
        WorkloadIdentity contents = identity();
        Pipeline stages = pipeline(calibrated, {{"bits", 3}});
        stages.stages.push_back({"compensation/eora", "1.0", {{"rank", 8}}, Json::object(), false});
        if (what == "seed of the baseline")
            stages = {};
        std::uint64_t seed = 0;
        if (what == "calibration seed")
            spec.calibration->select = "random";
        const TrialId id = trialId(spec, contents, stages, seed);

        if (what == "parameter")
            stages.stages[0].parameters["bits"] = 4;
        else if (what == "version")
            stages.stages[0].version = "1.0.1";
        else if (what == "plugin")
            stages.stages[0].plugin = "quantization/other";
        else if (what == "order")
            std::swap(stages.stages[0], stages.stages[1]);
        else if (what == "seed" || what == "seed of the baseline")
            seed = 1;
        else if (what == "model")
            contents.model = sha256("other");
        else if (what == "corpus")
            contents.calibrationCorpus = sha256("other");
        else if (what == "tokenizer")
            contents.tokenizer = sha256("other");
        else if (what == "samples")
            spec.calibration->samples = 33;
        else if (what == "length")
            spec.calibration->length = 513;
        else if (what == "select")
            spec.calibration->select = "random";
        else if (what == "calibration seed")
            spec.calibration->seed = 1;
        else if (what == "jsonl")
            spec.calibration->corpus = "/somewhere/train.jsonl";
        else if (what == "evaluation")
            contents.dataDigests = {sha256("other")};
        QCOMPARE(trialId(spec, contents, stages, seed) != id, changes);
    }

    void seedOfTheFirstWindowsDoesNotMatter()
    {
        WorkloadSpec spec = workload();
        const Pipeline stages = pipeline(true, {{"bits", 3}});
        const TrialId id = trialId(spec, identity(), stages, 0);
        spec.calibration->seed = 9; // `select: first` never reads it
        QCOMPARE(trialId(spec, identity(), stages, 0), id);
    }

    void plansEveryIdOnce()
    {
        Sweep sweep;
        sweep.workload = workload();
        sweep.pipelines = {
            {}, pipeline(false, {{"bits", 3}}), pipeline(false, {{"bits", 4}}), pipeline(false, {{"bits", 3.0}})};
        sweep.seed = 5;
        sweep.repeatSeeds = {6, 5};
        const std::vector<PlannedTrial> trials = planTrials(sweep, identity());
        QCOMPARE(trials.size(), std::size_t(5)); // the baseline once, two pipelines with two seeds
        QCOMPARE(trials[0].pipeline.label(), std::string("baseline"));
        QCOMPARE(trials[1].seed, std::uint64_t(5));
        QCOMPARE(trials[3].seed, std::uint64_t(6));
        for (const PlannedTrial& trial : trials)
            QCOMPARE(trial.id, trialId(sweep.workload, identity(), trial.pipeline, trial.seed));
    }

    void identifiesContents()
    {
        const SweepFixture fixture;
        const auto read = readSweep(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml", fixture.plugins());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const WorkloadSpec& demo = read.value().workload;
        const auto found = identifyWorkload(demo);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(found.value().model, modelDigest(*openCheckpoint(demo.model).value()).value());
        QCOMPARE(found.value().tokenizer, Tokenizer::load(demo.model).value().digest());
        QCOMPARE(found.value().calibrationCorpus->hex(), sha256OfFile(demo.calibration->corpus).value().hex());
        QCOMPARE(found.value().protocolIds,
                 std::vector<std::string> {
                     "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all"});
        QCOMPARE(found.value().dataDigests.size(), std::size_t(1));
        QVERIFY(!found.value().leak);
        QCOMPARE(planTrials(read.value(), found.value()).size(), std::size_t(12));
    }

    void everyMetricHasItsProtocol()
    {
        const SweepFixture fixture;
        const auto task = fixture.put("data/task.jsonl", "{}\n");
        WorkloadSpec spec = demoWorkload(fixture);
        const std::string corpus = (fixture.root() / "data/test.txt").string();
        spec.evaluate = {{"kl_divergence", {{"corpus", corpus}, {"length", 16}}}, {"task", {{"file", task.string()}}}};
        const auto found = identifyWorkload(spec);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        // In a sweep a metric that compares does so with the model itself.
        QVERIFY2(found.value().protocolIds[0].ends_with("/baseline-" + found.value().model.hex().substr(0, 8)),
                 found.value().protocolIds[0].c_str());
        QVERIFY(found.value().protocolIds[1].starts_with("task.likelihood/task.jsonl#"));
        QCOMPARE(found.value().dataDigests[1], sha256("{}\n"));
    }

    void calibratingOnWhatIsEvaluatedIsFlagged()
    {
        const SweepFixture fixture; // a copy under another name is the same text
        const auto copy = fixture.put("copy.txt", "test text\n");
        WorkloadSpec spec = demoWorkload(fixture);
        spec.calibration = CalibrationSpec {};
        spec.calibration->corpus = fixture.root() / "data/train.txt";
        QVERIFY(!identifyWorkload(spec).value().leak);
        spec.calibration->corpus = copy;
        QVERIFY(identifyWorkload(spec).value().leak);
    }

    void identityNeedsEveryFile_data()
    {
        QTest::addColumn<std::string>("what");
        QTest::addColumn<int>("code");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("corpus") << std::string("corpus") << int(ErrorCode::NotFound)
                                << std::string("/nowhere/test.txt");
        QTest::addRow("calibration") << std::string("calibration") << int(ErrorCode::NotFound)
                                     << std::string("/nowhere/train.txt");
        QTest::addRow("model") << std::string("model") << int(ErrorCode::NotFound) << std::string("/nowhere/model");
        QTest::addRow("metric") << std::string("metric") << int(ErrorCode::InvalidArgument)
                                << std::string("unknown metric \"beauty\"");
    }
    void identityNeedsEveryFile()
    {
        QFETCH(std::string, what);
        QFETCH(int, code);
        QFETCH(std::string, expected);
        const SweepFixture fixture;
        WorkloadSpec spec = demoWorkload(fixture);
        if (what == "corpus")
            spec.evaluate[0].options["corpus"] = "/nowhere/test.txt";
        else if (what == "metric")
            spec.evaluate[0].name = "beauty";
        else if (what == "model")
            spec.model = "/nowhere/model";
        else
            spec.calibration = CalibrationSpec {.corpus = "/nowhere/train.txt"};
        const auto found = identifyWorkload(spec);
        QVERIFY(!found.ok());
        QCOMPARE(int(found.error().code), code);
        QVERIFY2(found.error().message.find(expected) != std::string::npos, found.error().message.c_str());
    }

    void hexReadsBack()
    {
        const TrialId id = trialId(workload(), identity(), {}, 0);
        QCOMPARE(TrialId::fromHex(id.hex()).value(), id);
        QVERIFY(!TrialId::fromHex("xyz").ok());
    }
};

QTEST_GUILESS_MAIN(TstTrialId)
#include "tst_trial_id.moc"
