// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/trial_exchange.h"

#include <QtTest>

#include <cmath>
#include <limits>
#include <string>

using namespace paretoscope::core;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TrialRequest request()
{
    TrialRequest request;
    request.id = {sha256("id")};
    request.workload.kind = "causal-lm";
    request.workload.model = "/models/mod\xc3\xa8le";
    request.workload.calibration = CalibrationSpec {};
    request.workload.calibration->corpus = "/data/train.txt";
    request.workload.calibration->samples = 32;
    request.workload.calibration->select = "random";
    request.workload.calibration->seed = std::numeric_limits<std::uint64_t>::max();
    request.workload.evaluate = {{"perplexity", {{"corpus", "/data/test.txt"}, {"windows", 8}}},
                                 {"perplexity", {{"corpus", "/data/more.txt"}}}};
    request.identity.model = sha256("model");
    request.identity.tokenizer = sha256("tokenizer");
    request.identity.calibrationCorpus = sha256("train");
    request.identity.protocolIds = {"p0", "p1"};
    request.identity.dataDigests = {sha256("test"), sha256("more")};
    request.identity.leak = true;
    request.pipeline.stages = {
        {"quantization/gptq", "1.0.0", {{"bits", 3}, {"damping", 0.1}}, {{"bits", 3}}, true},
        {"compensation/eora", "2.1", {{"rank", 16}, {"include", {"a", "b"}}}, Json::object(), false}};
    request.seed = std::numeric_limits<std::uint64_t>::max();
    request.measurements = {1, 0};
    request.kept = KeptModel {"/project.artifacts/0a", sha256("model")};
    request.artifacts = "/project.artifacts";
    request.artifactLimit = {std::int64_t(1) << 40};
    request.sharedBeginnings = {1, 2};
    return request;
}

MetricRecord metric()
{
    MetricRecord metric;
    metric.name = "perplexity";
    metric.value = 12.345678901234567;
    metric.standardError = 0.25;
    metric.n = 32;
    metric.unit = "";
    metric.minimise = true;
    metric.protocol = "perplexity.window/x";
    metric.device = "cpu";
    metric.dtype = "float32";
    metric.threads = 2;
    metric.build = "0.1.0 libtorch 2.11.0";
    metric.details = {{"windows", {1.5, 2.5}}, {"flags", {"few_windows"}}};
    return metric;
}

/// Through text, as on the wire.
Json sent(const Json& json)
{
    return Json::parse(json.dump());
}

} // namespace

class TstTrialExchange : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void requestReadsBack()
    {
        const TrialRequest before = request();
        const auto after = trialRequestFromJson(sent(toJson(before)));
        QVERIFY2(after.ok(), after.ok() ? "" : after.error().sentence().c_str());
        const TrialRequest& read = after.value();
        QCOMPARE(read.id, before.id);
        QCOMPARE(read.workload.model, before.workload.model);
        QCOMPARE(read.workload.calibration->seed, before.workload.calibration->seed);
        QCOMPARE(read.workload.evaluate[0].options, before.workload.evaluate[0].options);
        QVERIFY(read.identity.calibrationCorpus == before.identity.calibrationCorpus);
        QCOMPARE(read.identity.protocolIds, before.identity.protocolIds);
        QVERIFY(read.identity.dataDigests == before.identity.dataDigests);
        QVERIFY(read.identity.leak);
        QCOMPARE(read.pipeline.label(), before.pipeline.label());
        QVERIFY(read.pipeline.stages[0].needsCalibration && !read.pipeline.stages[1].needsCalibration);
        QCOMPARE(read.seed, before.seed);
        QCOMPARE(read.measurements, before.measurements);
        QCOMPARE(toJson(read).dump(), toJson(before).dump()); // all of it
    }

    void requestWithoutCalibrationReadsBack()
    {
        TrialRequest before = request();
        before.workload.calibration.reset();
        before.identity.calibrationCorpus.reset();
        before.pipeline = {};
        before.sharedBeginnings.clear();
        before.measurements.clear();
        const auto after = trialRequestFromJson(sent(toJson(before)));
        QVERIFY2(after.ok(), after.ok() ? "" : after.error().sentence().c_str());
        QVERIFY(!after.value().workload.calibration);
        QVERIFY(!after.value().identity.calibrationCorpus);
        QCOMPARE(toJson(after.value()).dump(), toJson(before).dump());
    }

    void recordedPipelineHoldsWhatIdentifiesIt()
    {
        QCOMPARE(
            toJson(request().pipeline).dump(),
            std::string(R"([{"parameters":{"bits":3,"damping":0.1},"plugin":"quantization/gptq","version":"1.0.0"},)"
                        R"({"parameters":{"include":["a","b"],"rank":16},"plugin":"compensation/eora",)"
                        R"("version":"2.1"}])"));
        const auto read = pipelineFromJson(sent(toJson(request().pipeline)));
        QVERIFY(read.ok());
        QCOMPARE(toJson(read.value()), toJson(request().pipeline));
    }

    void outcomeReadsBack()
    {
        TrialOutcome before;
        before.metrics = {metric(), metric()};
        before.metrics[1].name = "stored_bytes";
        before.metrics[1].unit = "B";
        before.metrics[1].standardError.reset();
        before.metrics[1].minimise = false;
        before.metrics[1].n = std::int64_t(1) << 60;
        before.layerMetrics = {{"model.layers.3.mlp.down_proj", 3, "relative_output_error", 1e-300},
                               {"lm_head", -1, "relative_output_error", std::nullopt}};
        before.artifacts = {
            {"model", "compressed_model", "application/x-safetensors", sha256("x").hex(), 1 << 30, {{"tensors", 7}}}};
        before.seconds = 0.1;
        before.provenance = {{"device", "cpu"}, {"phases", {{"load", 0.5}}}};
        const auto after = trialOutcomeFromJson(sent(toJson(before)));
        QVERIFY2(after.ok(), after.ok() ? "" : after.error().sentence().c_str());
        QCOMPARE(after.value().metrics[0].value, before.metrics[0].value); // bit for bit
        QCOMPARE(after.value().metrics[1].n, before.metrics[1].n);
        QVERIFY(!after.value().metrics[1].standardError);
        QCOMPARE(after.value().layerMetrics[0].value, std::optional(1e-300));
        QVERIFY(!after.value().layerMetrics[1].value);
        QCOMPARE(toJson(after.value()).dump(), toJson(before).dump());
    }

    void valuesThatJsonDoesNotKnowAreFlagged_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<std::string>("flag");
        QTest::addRow("not a number") << kNan << std::string("nan");
        QTest::addRow("infinity") << kInfinity << std::string("inf");
        QTest::addRow("minus infinity") << -kInfinity << std::string("-inf");
    }
    void valuesThatJsonDoesNotKnowAreFlagged()
    {
        QFETCH(double, value);
        QFETCH(std::string, flag);
        MetricRecord before = metric();
        before.value = value;
        before.standardError = value;
        const auto after = metricRecordFromJson(sent(toJson(before)));
        QVERIFY2(after.ok(), after.ok() ? "" : after.error().sentence().c_str());
        QVERIFY(!after.value().value);
        QVERIFY(!after.value().standardError);
        QCOMPARE(after.value().details["flags"], Json({"few_windows", flag}));
        QCOMPARE(after.value().details["windows"], before.details["windows"]);
        // Once more changes nothing.
        QCOMPARE(toJson(metricRecordFromJson(sent(toJson(after.value()))).value()).dump(),
                 toJson(after.value()).dump());
    }

    void flagsNeedNoDetails()
    {
        MetricRecord before = metric();
        before.value = kNan;
        before.details = nullptr;
        QCOMPARE(toJson(before)["details"].dump(), std::string(R"({"flags":["nan"]})"));
    }

    void unknownFieldsAreIgnored()
    {
        Json json = toJson(request());
        json["added_later"] = 1;
        json["workload"]["added_later"] = 1;
        QVERIFY(trialRequestFromJson(json).ok());
    }

    void refuses_data()
    {
        QTest::addColumn<QString>("pointer");
        QTest::addColumn<QString>("value"); // empty: removed
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* pointer, const char* value, const char* expected) {
            QTest::addRow("%s = %s", pointer, value)
                << QString::fromUtf8(pointer) << QString::fromUtf8(value) << QString::fromUtf8(expected);
        };
        row("/id", "", "trial request: id: is missing");
        row("/id", "\"abc\"", "trial request: id: \"abc\" is not a SHA-256 digest");
        row("/id", "5", "trial request: id: 5 is not a text");
        row("/seed", "-1", "trial request: seed: -1 is not an integer of that range");
        row("/seed", "0.5", "trial request: seed: 0.5 is not an integer");
        row("/workload", "", "workload: null is not an object");
        row("/workload/model", "", "workload: model: is missing");
        row("/workload/evaluate", "{}", "workload: evaluate: {} is not a list");
        row("/workload/evaluate/0/name", "", "workload.evaluate: name: is missing");
        row("/workload/calibration", "[]", "");
        row("/identity", "", "identity: null is not an object");
        row("/identity/model", "\"00\"", "identity: model: \"00\" is not a SHA-256 digest");
        row("/identity/data", "[\"00\"]", "");
        row("/identity/protocols", "[1]", "identity: protocols: [1] is not a list of texts");
        row("/identity/calibration_corpus", "7", "identity: calibration_corpus: 7 is not a text");
        row("/pipeline", "{}", "trial: pipeline: {} is not a list");
        row("/pipeline/0/plugin", "", "stage: plugin: is missing");
        row("/pipeline/0/parameters", "[]", "stage: parameters: is not an object");
        row("/pipeline/0/version", "1", "stage: version: 1 is not a text");
        row("/measurements", "[2]", "trial request: measurements: 2 is no index into workload.evaluate");
        row("/measurements", "[-1]", "trial request: measurements: -1 is no index");
        row("/shared_beginnings", "[3]", "trial request: shared_beginnings: the pipeline has no beginning of 3 steps");
        row("/shared_beginnings", "[0]", "trial request: shared_beginnings: the pipeline has no beginning of 0 steps");
        row("/measurements", "[\"0\"]", "trial request: measurements: index: \"0\" is not an integer");
    }
    void refuses()
    {
        QFETCH(QString, pointer);
        QFETCH(QString, value);
        QFETCH(QString, expected);
        Json json = sent(toJson(request()));
        const Json::json_pointer where(pointer.toStdString());
        if (value.isEmpty())
            json[where.parent_pointer()].erase(where.back());
        else
            json[where] = Json::parse(value.toStdString());
        const auto read = trialRequestFromJson(json);
        QVERIFY(!read.ok());
        QVERIFY2(read.error().message.find(expected.toStdString()) != std::string::npos, read.error().message.c_str());
    }

    void brokenOutcomesAreRefused_data()
    {
        QTest::addColumn<std::string>("text");
        for (const char* text : {"[]", "{}", R"({"seconds": "1"})", R"({"seconds": 1, "metrics": {}})",
                                 R"({"seconds": 1, "metrics": [{}]})", R"({"seconds": 1, "metrics": [7]})",
                                 R"({"seconds": 1, "metrics": [{"name": "x", "value": "big"}]})",
                                 R"({"seconds": 1, "metrics": [{"name": "x", "threads": 4294967296}]})",
                                 R"({"seconds": 1, "layer_metrics": [{"name": "x"}]})",
                                 R"({"seconds": 1, "artifacts": [{"role": "model", "kind": "x", "bytes": 1,
                                     "sha256": "../../etc/passwd"}]})"})
            QTest::addRow("%s", text) << std::string(text);
    }
    void brokenOutcomesAreRefused()
    {
        QFETCH(std::string, text);
        const auto read = trialOutcomeFromJson(Json::parse(text));
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::Corrupt);
    }
};

QTEST_GUILESS_MAIN(TstTrialExchange)
#include "tst_trial_exchange.moc"
