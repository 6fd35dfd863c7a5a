// SPDX-License-Identifier: Apache-2.0
// The whole engine on a card against the CPU. The same bodies run twice: on the simulated card, which must give every
// bit of the CPU's numbers and finds whatever is on the wrong device, and (label gpu) on a real one.
#include "card_under_test.h"
#include "core/engine/device/device_memory.h"
#include "core/engine/evaluation/evaluator.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/warm_model.h"
#include "evaluation_fixture.h"
#include "model_rows.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <map>
#include <set>

using namespace paretoscope;
using namespace paretoscope::engine;
using namespace paretoscope::tests;

namespace {

const std::filesystem::path kProbes = PARETOSCOPE_BUILD_TREE "/tests/plugins";
const std::filesystem::path kPlugins = PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins";
const std::filesystem::path kTinyMixture = kResources / "models/tiny-qwen3-moe";

RunnerOptions optionsFor(const std::string& device)
{
    RunnerOptions options = runnerOptions();
    options.device = device;
    options.pluginFolders = {kPlugins, kProbes};
    return options;
}

/// Largest relative difference of two numbers at the same place. Infinite where texts, lengths or keys differ. Left
/// out: what is not a result.
double differenceOf(const core::Json& found, const core::Json& expected)
{
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (found.is_number() && expected.is_number()) {
        const double a = found.get<double>();
        const double b = expected.get<double>();
        return a == b ? 0 : std::fabs(a - b) / std::max(std::fabs(b), 1e-3);
    }
    if (found.type() != expected.type() || found.size() != expected.size())
        return kInfinity;
    if (!found.is_structured())
        return found == expected ? 0 : kInfinity;
    double largest = 0;
    for (const auto& [key, value] : expected.items()) {
        static const std::set<std::string> kNoResult {
            "device",       "peak_memory_bytes", "estimated_bytes",  "estimated_memory_bytes",
            "load_seconds", "evaluate_seconds",  "tokens_per_second"};
        if (expected.is_object() && (kNoResult.contains(key) || !found.contains(key)))
            largest = std::max(largest, kNoResult.contains(key) ? 0 : kInfinity);
        else
            largest = std::max(
                largest,
                differenceOf(expected.is_object() ? found.at(key) : found.at(std::size_t(std::stoul(key))), value));
    }
    return largest;
}

core::Json resultOf(const core::TrialOutcome& outcome)
{
    core::Json json;
    for (const core::MetricRecord& record : outcome.metrics) {
        if (record.name != "peak_memory_bytes")
            json["metrics"].push_back(core::toJson(record));
    }
    for (const core::LayerMetricRecord& record : outcome.layerMetrics) {
        if (!record.name.ends_with("seconds"))
            json["layers"].push_back(
                {record.module, record.name, record.value ? core::Json(*record.value) : core::Json()});
    }
    json["warnings"] = outcome.provenance.at("warnings");
    return json;
}

struct SweepUnderTest
{
    SweepUnderTest(const std::string& model, const std::string& pipeline)
    {
        const std::string text =
            "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/" + model +
            "\n  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 3, length: 48}\n"
            "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 32, windows: 3}\n"
            "pipelines:\n  - [" +
            pipeline + "]\n";
        auto parsed =
            core::parseSweep(text, kResources / "test.yaml", core::PluginCatalogue::scan({kPlugins, kProbes}));
        if (!parsed.ok())
            qFatal("%s", parsed.error().sentence().c_str());
        sweep = std::move(parsed).value();
        identity = core::identifyWorkload(sweep.workload).value();
        trial = core::planTrials(sweep, identity).front();
    }
    core::Json outcomeOn(RunnerOptions options) const
    {
        SilentObserver observer;
        TrialRunner runner(std::move(options));
        const auto outcome =
            runner.run({trial.id, sweep.workload, identity, trial.pipeline, trial.seed, {0}}, observer);
        if (!outcome.ok())
            qFatal("%s", outcome.error().sentence().c_str());
        return resultOf(outcome.value());
    }
    core::Sweep sweep;
    core::WorkloadIdentity identity;
    core::PlannedTrial trial;
};

/// Wants all logits of one sequence, and nothing of them.
class Reader : public Metric
{
public:
    explicit Reader(std::vector<std::int32_t> ids)
    {
        const int length = static_cast<int>(ids.size());
        m_sequences.push_back({std::move(ids), 0, length});
    }
    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int, int, const at::Tensor&) override {}
    core::Result<std::vector<core::MetricRecord>> finish() override { return std::vector<core::MetricRecord>(); }

private:
    std::vector<MetricSequence> m_sequences;
};

void compare(const core::Json& found, const core::Json& expected, double tolerance = CardUnderTest::kTolerance)
{
    const double difference = differenceOf(found, expected);
    if (difference > tolerance)
        qWarning("card %s\ncpu %s", found.dump().substr(0, 2000).c_str(), expected.dump().substr(0, 2000).c_str());
    qInfo("largest relative difference %.3g", difference);
    QVERIFY(difference <= tolerance);
}

} // namespace

class TstCard : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        at::set_num_threads(1);
        const core::Status there = CardUnderTest::find();
        if (!there.ok())
            QSKIP(("no NVIDIA card: " + there.error().message).c_str());
    }

    void logitsHiddenStatesAndRouters_data() { addModelRows(); }
    void logitsHiddenStatesAndRouters()
    {
        QFETCH(QString, folder);
        const std::filesystem::path model = folder.toStdString();
        const QTemporaryDir scratch;
        const std::filesystem::path place = scratch.path().toStdString();
        QVERIFY(core::writeFileAtomically(place / "tokens.json",
                                          R"({"sequences": [[3, 17, 5, 99, 12, 40, 7, 3, 3, 60, 61], [77, 30, 2]]})")
                    .ok());
        std::map<std::string, core::SafetensorsFile> files;
        for (const std::string& device : {std::string("cpu"), CardUnderTest::name()}) {
            TrialRunner runner(optionsFor(device));
            SilentObserver observer;
            const auto out = place / (device + ".safetensors");
            const auto done = runner.evaluate(
                {{"model", model.string()},
                 {"logits",
                  {{"tokens", (place / "tokens.json").string()}, {"out", out.string()}, {"hidden_states", true}}}},
                observer);
            QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
            files.emplace(device, core::SafetensorsFile::open(out).value());
        }
        double largest = 0;
        for (const core::SafetensorsEntry& tensor : files.at("cpu").tensors()) {
            const std::vector<float> expected = files.at("cpu").readFloat32(tensor.name).value();
            const std::vector<float> found = files.at(CardUnderTest::name()).readFloat32(tensor.name).value();
            QCOMPARE(found.size(), expected.size());
            double scale = 1e-6;
            for (const float value : expected)
                scale = std::max(scale, double(std::fabs(value)));
            for (std::size_t i = 0; i < found.size(); ++i)
                largest = std::max(largest, std::fabs(double(found[i]) - double(expected[i])) / scale);
        }
        qInfo("largest difference %.3g of the largest value", largest);
        QVERIFY(largest <= CardUnderTest::kTolerance);
    }

    void metrics_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addRow("perplexity") << std::string(R"({"name": "perplexity", "options": {"corpus": "WIKI", "length": 96,
            "windows": 3}})");
        QTest::addRow("KL divergence") << std::string(R"({"name": "kl_divergence", "options": {"corpus": "WIKI",
            "length": 160, "windows": 2, "baseline": "COARSE"}})");
        QTest::addRow("task") << std::string(R"({"name": "task", "options": {"file": "TASK", "limit": 6}})");
        QTest::addRow("greedy match") << std::string(R"({"name": "greedy_match", "options": {"corpus": "WIKI",
            "length": 24, "tokens": 8, "prompts": 4, "baseline": "COARSE"}})");
    }
    void metrics()
    {
        QFETCH(std::string, text);
        const QTemporaryDir folder;
        const std::string coarse = folder.path().toStdString() + "/coarse";
        writeCoarseModel(coarse);
        for (const auto& [name, value] : {std::pair<std::string, std::string>("WIKI", kWikiText),
                                          {"COARSE", coarse},
                                          {"TASK", (kTestData / "tasks/arc_easy.jsonl").string()}}) {
            if (const auto at = text.find(name); at != std::string::npos)
                text.replace(at, name.size(), value);
        }
        const core::Json metrics = core::Json::array({core::Json::parse(text)});
        TrialRunner onCpu(optionsFor("cpu"));
        TrialRunner onCard(optionsFor(CardUnderTest::name()));
        core::Json found = evaluated(onCard, kTinyLlama, metrics);
        QVERIFY(found.at("device_peak_memory_bytes") > 0);
        found.erase("device_peak_memory_bytes");
        compare(found, evaluated(onCpu, kTinyLlama, metrics));
    }

    void trials_data()
    {
        QTest::addColumn<std::string>("model");
        QTest::addColumn<std::string>("pipeline");
        QTest::addColumn<bool>("isStreamed");
        const auto row = [](const char* name, const char* model, const char* pipeline, bool isStreamed = false) {
            QTest::addRow("%s", name) << std::string(model) << std::string(pipeline) << isStreamed;
        };
        row("baseline", "tiny-llama", "");
        row("rtn", "tiny-llama", "rtn: {bits: 3, group_size: 32}");
        row("rtn, symmetric, clipped", "tiny-llama", "rtn: {bits: 3, group_size: 32, symmetric: true, clip: mse}");
        row("gptq", "tiny-llama", "gptq: {bits: 3, group_size: 32}");
        row("gptq, no order", "tiny-llama", "gptq: {bits: 3, group_size: 48, activation_order: none}");
        row("gptq, dynamic order", "tiny-llama", "gptq: {bits: 4, group_size: 32, activation_order: dynamic}");
        row("gptq by block", "tiny-llama", "gptq: {bits: 3, group_size: 32, propagate: block}");
        row("gptq of the original", "tiny-llama", "gptq: {bits: 3, group_size: 32, propagate: original}");
        row("two stages", "tiny-llama", "rtn: {bits: 8, include: ['*.o_proj']}, gptq: {bits: 3, group_size: 32, exclude: ['*.o_proj']}");
        row("mixture of experts", "tiny-qwen3-moe", "gptq: {bits: 3, group_size: 32, min_tokens: 8}");
        row("gptq, streamed", "tiny-llama", "gptq: {bits: 3, group_size: 32}", true);
        row("mixture, streamed", "tiny-qwen3-moe", "rtn: {bits: 3, group_size: 32}", true);
        for (const char* use : {"gradients", "hessian", "replay", "samples", "decoding", "hooks", "kv_window"})
            row(use, "tiny-llama", (std::string("services: {use: ") + use + "}").c_str());
    }
    void trials()
    {
        QFETCH(std::string, model);
        QFETCH(std::string, pipeline);
        QFETCH(bool, isStreamed);
        const SweepUnderTest test(model, pipeline);
        RunnerOptions onCpu = optionsFor("cpu");
        RunnerOptions onCard = optionsFor(CardUnderTest::name());
        const QTemporaryDir cache;
        if (isStreamed) {
            onCard.memoryBudget = core::Bytes {std::int64_t(280) << 20};
            onCard.cacheFolder = cache.path().toStdString();
        }
        // Differentiating twice adds up in the order in which a thread of libtorch's own walks the graph of a card.
        const bool isTwice = pipeline.find("hessian") != std::string::npos;
        compare(test.outcomeOn(onCard), test.outcomeOn(onCpu), std::max(CardUnderTest::kTolerance, isTwice ? 1e-6 : 0));
    }

#ifdef PARETOSCOPE_SIMULATED_CARD
    void theHostDoesNotWaitInsideABlock_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<int>("waits");
        const QString models = QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models/");
        for (const char* dense : {"qwen3", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "phi3", "llama_rope3"})
            QTest::addRow("%s", dense) << models + QString::fromLatin1(dense) << 0;
        for (const char* mixture : {"mixtral", "gpt_oss", "qwen2_moe"})
            QTest::addRow("%s", mixture) << models + QString::fromLatin1(mixture) << 1;
    }
    void theHostDoesNotWaitInsideABlock()
    {
        QFETCH(QString, folder);
        QFETCH(int, waits);
        const auto model = WarmModel::load(folder.toStdString(), kResources / "architectures", core::Bytes {1 << 28},
                                           simulated_card::device())
                               .value();
        std::vector<std::int64_t> seen;
        const Hooks hooks {{HookPoint::BlockInput,
                            [](const HookSite&, const at::Tensor& value) {
                                simulated_card::resetCounts();
                                return value;
                            }},
                           {HookPoint::BlockOutput, [&](const HookSite&, const at::Tensor& value) {
                                seen.push_back(simulated_card::counts().synchronisations);
                                return value;
                            }}};
        const c10::InferenceMode noGradients;
        SilentObserver observer;
        std::vector<std::unique_ptr<Metric>> metrics;
        metrics.push_back(std::make_unique<Reader>(std::vector<std::int32_t> {3, 17, 5, 99, 12, 40, 7}));
        QVERIFY(evaluate(metrics, {model->graph(), model->tensors(), hooks, observer}).ok());
        QCOMPARE(seen, std::vector<std::int64_t>(std::size_t(model->graph().view().blocks), waits));
    }

    void aStreamedModelTakesTwoBlocksOfTheCard()
    {
        const auto model =
            WarmModel::load(kTinyLlama, kResources / "architectures", core::Bytes {0}, simulated_card::device())
                .value();
        const LanguageModel& graph = model->graph();
        const auto bytesOf = [&](const std::vector<std::string>& names) {
            std::int64_t bytes = 0;
            for (const std::string& name : names)
                bytes += std::int64_t(model->tensors().read(name).value().nbytes());
            return bytes;
        };
        const std::int64_t most =
            std::max({bytesOf(graph.entryTensors()), 2 * bytesOf(graph.blockTensors(0)), bytesOf(graph.headTensors())});
        const c10::InferenceMode noGradients;
        const Hooks none;
        SilentObserver observer;
        std::vector<std::unique_ptr<Metric>> metrics;
        metrics.push_back(std::make_unique<Reader>(std::vector<std::int32_t> {3, 17, 5}));
        const PeakDeviceMemory memory(simulated_card::device());
        QVERIFY(evaluate(metrics, {graph, model->tensors(), none, observer}).ok());
        const std::int64_t sequence = 64 << 10; // activations and logits of three tokens
        QVERIFY(memory.peak()->value >= most);
        QVERIFY(memory.peak()->value <= most + sequence);
    }

    void theNextBlockComesBesideTheComputation()
    {
        const auto model =
            WarmModel::load(kTinyLlama, kResources / "architectures", core::Bytes {0}, simulated_card::device())
                .value();
        const c10::InferenceMode noGradients;
        const Hooks none;
        SilentObserver observer;
        std::vector<std::unique_ptr<Metric>> metrics;
        metrics.push_back(std::make_unique<Reader>(std::vector<std::int32_t> {3, 17, 5}));
        simulated_card::resetCounts();
        QVERIFY(evaluate(metrics, {model->graph(), model->tensors(), none, observer}).ok());
        std::size_t ahead = 0;
        for (int block = 1; block < model->graph().view().blocks; ++block)
            ahead += model->graph().blockTensors(block).size();
        QCOMPARE(simulated_card::counts().sideCopies, std::int64_t(ahead));
    }
#endif
};

QTEST_GUILESS_MAIN(TstCard)
#include "tst_card.moc"
