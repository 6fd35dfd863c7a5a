// SPDX-License-Identifier: Apache-2.0
// Checkpoints of other toolkits under the protocol of the sweep.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/sweep/trial_identity.h"
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

namespace {

namespace fs = std::filesystem;

/// tiny-llama with every tensor as float32, multiplied by `factor`.
void writeCopy(const fs::path& folder, float factor = 1)
{
    const fs::path original = kResources / "models" / "tiny-llama";
    fs::create_directories(folder);
    fs::copy_file(original / "config.json", folder / "config.json");
    const auto checkpoint = core::openCheckpoint(original).value();
    std::vector<core::TensorDeclaration> tensors;
    for (const core::TensorInfo& tensor : checkpoint->tensors())
        tensors.push_back({tensor.name, core::ElementType::F32, tensor.shape});
    auto writer = core::SafetensorsWriter::create(folder / "model.safetensors", tensors);
    QVERIFY(writer.ok());
    for (const core::TensorInfo& tensor : checkpoint->tensors()) {
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        QVERIFY(checkpoint->readFloat32(tensor.name, values).ok());
        for (float& value : values)
            value *= factor;
        QVERIFY(writer.value().appendFloat32(tensor.name, values).ok());
    }
    QVERIFY(writer.value().finish().ok());
}

std::string importOf(const fs::path& checkpoint)
{
    return "  - [import: {checkpoint: \"" + checkpoint.string() + "\"}]\n";
}

double valueOf(const core::TrialOutcome& outcome, const char* metric)
{
    return *metricOf(outcome, metric).value;
}

} // namespace

class TstImport : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void sameWeightsGiveTheSameNumbers()
    {
        const QTemporaryDir folder;
        const fs::path copy = fs::path(folder.path().toStdString()) / "as-float32";
        writeCopy(copy);
        const SweepUnderTest test("  - []\n" + importOf("models/tiny-llama") + importOf(copy), 2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto baseline = runner.run(test.request(0), observer);
        const auto itself = runner.run(test.request(1), observer);
        const auto wide = runner.run(test.request(2), observer);
        QVERIFY2(baseline.ok(), baseline.ok() ? "" : baseline.error().sentence().c_str());
        QVERIFY2(itself.ok(), itself.ok() ? "" : itself.error().sentence().c_str());
        QVERIFY2(wide.ok(), wide.ok() ? "" : wide.error().sentence().c_str());
        const core::Json windows = metricOf(baseline.value(), "perplexity").details.at("windows");
        QCOMPARE(metricOf(itself.value(), "perplexity").details.at("windows"), windows);
        QCOMPARE(metricOf(wide.value(), "perplexity").details.at("windows"), windows);
        QCOMPARE(metricOf(wide.value(), "perplexity").protocol, metricOf(baseline.value(), "perplexity").protocol);
        // As it lies on disk: two bytes a weight, and four.
        QCOMPARE(valueOf(itself.value(), "stored_bytes"), valueOf(baseline.value(), "stored_bytes"));
        QCOMPARE(valueOf(wide.value(), "stored_bytes"), 2 * valueOf(baseline.value(), "stored_bytes"));
    }

    void otherStagesGoOnFromIt()
    {
        const QTemporaryDir folder;
        const fs::path copy = fs::path(folder.path().toStdString()) / "copy";
        writeCopy(copy);
        const SweepUnderTest test("  - [rtn: {bits: 3, group_size: 32}]\n  - [import: {checkpoint: \"" + copy.string() +
                                      "\"}, rtn: {bits: 3, group_size: 32}]\n",
                                  2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto direct = runner.run(test.request(0), observer);
        const auto imported = runner.run(test.request(1), observer);
        QVERIFY(direct.ok());
        QVERIFY2(imported.ok(), imported.ok() ? "" : imported.error().sentence().c_str());
        QCOMPARE(valueOf(imported.value(), "perplexity"), valueOf(direct.value(), "perplexity"));
    }

    void identityIsTheContent()
    {
        const QTemporaryDir folder;
        const fs::path place = folder.path().toStdString();
        writeCopy(place / "here");
        writeCopy(place / "there");
        writeCopy(place / "other", 2);
        const SweepUnderTest test(importOf(place / "here") + importOf(place / "other"));
        const SweepUnderTest moved(importOf(place / "there"));
        QCOMPARE(test.trials.size(), std::size_t(2));
        QVERIFY(test.trials[0].id != test.trials[1].id);
        QCOMPARE(moved.trials[0].id, test.trials[0].id);
        QCOMPARE(core::identifiedPipeline(moved.trials[0].pipeline, moved.identity),
                 core::identifiedPipeline(test.trials[0].pipeline, test.identity));
        QCOMPARE(test.trials[0].pipeline.label(), std::string("import(checkpoint=here)"));
        const core::TrialRequest request =
            core::trialRequestFromJson(core::Json::parse(core::toJson(test.request(0)).dump())).value();
        QCOMPARE(core::trialId(request.workload, request.identity, request.pipeline, request.seed), test.trials[0].id);
    }

    void anotherNetworkIsRefused()
    {
        const SweepUnderTest test(importOf("models/tiny-qwen3-moe"));
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(outcome.error().message.find("is not the same network: it is of the family qwen3_moe") !=
                     std::string::npos,
                 outcome.error().message.c_str());
        QVERIFY2(outcome.error().message.find("q_proj") == std::string::npos, outcome.error().message.c_str());
    }

    void missingCheckpointIsFoundWhenTheSweepIsRead()
    {
        const auto sweep = core::parseSweep("paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
                                            "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens}\n"
                                            "pipelines:\n  - [import: {checkpoint: models/tiny-lama}]\n",
                                            kResources / "test.yaml", catalogue());
        QVERIFY(!sweep.ok());
        QCOMPARE(sweep.error().code, core::ErrorCode::NotFound);
        QVERIFY2(sweep.error().message.find("test.yaml:8:27: bridge/import: checkpoint:") != std::string::npos,
                 sweep.error().message.c_str());
        QVERIFY2(sweep.error().hint.find("tiny-llama") != std::string::npos, sweep.error().hint.c_str());
    }
};

QTEST_GUILESS_MAIN(TstImport)
#include "tst_import.moc"
