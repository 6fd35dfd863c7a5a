// SPDX-License-Identifier: Apache-2.0
// What a pipeline made of a model, kept as a file and measured again without compressing.
#include "core/checkpoint/safetensors_file.h"
#include "core/engine/accounting/stored_size.h"
#include "core/engine/artifact/packed_model.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/warm_model.h"
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include <c10/core/InferenceMode.h>

#include <functional>

using namespace paretoscope;

namespace {

constexpr const char* kQuery = "model.layers.0.self_attn.q_proj.weight";
constexpr const char* kKey = "model.layers.1.self_attn.q_proj.weight";
constexpr const char* kNorm = "model.layers.0.input_layernorm.weight";

std::unique_ptr<engine::WarmModel> model(const std::string& name = "tiny-llama")
{
    return engine::WarmModel::load(kResources / "models" / name, kResources / "architectures", core::Bytes {}).value();
}

/// One tensor of each layout, and one under two names.
engine::ModelTensors compressed(const engine::WarmModel& model, engine::AffineOptions options)
{
    engine::ModelTensors tensors = model.tensors();
    const auto query = engine::roundToNearest(tensors.read(kQuery).value(), options).value();
    tensors.replace(kQuery, query);
    tensors.replace(kKey, query);
    tensors.replace(kNorm,
                    std::make_shared<engine::DenseTensor>(tensors.read(kNorm).value() * 0.5, core::ElementType::BF16));
    return tensors;
}

core::Result<engine::PackedModel> pack(const engine::ModelTensors& tensors, const core::Sha256Digest& of,
                                       const QTemporaryDir& folder)
{
    PSC_ASSIGN(const engine::ModelPacker packer, engine::ModelPacker::of(tensors, of));
    return packer.write(folder.path().toStdString());
}

std::filesystem::path fileOf(const engine::PackedModel& packed, const QTemporaryDir& folder)
{
    return std::filesystem::path(folder.path().toStdString()) / packed.digest.hex();
}

/// The test has a stage whose result lies in a layout that only the method itself knows.
class ForeignTensor : public engine::DenseTensor
{
public:
    using engine::DenseTensor::DenseTensor;
    std::string_view layout() const override { return "of_another_method"; }
};

void flipByte(const std::filesystem::path& file, qint64 position)
{
    QFile content(QString::fromStdString(file.string()));
    QVERIFY(content.open(QIODevice::ReadWrite));
    QVERIFY(content.seek(position));
    char byte = 0;
    QVERIFY(content.getChar(&byte));
    QVERIFY(content.seek(position));
    QVERIFY(content.putChar(static_cast<char>(byte ^ 0x40)));
}

/// Metrics that do not depend on the run, and what was told of the layers.
core::Json numbersOf(const core::TrialOutcome& outcome)
{
    core::Json numbers = core::Json::array();
    for (const core::MetricRecord& metric : outcome.metrics) {
        if (metric.name != "peak_memory_bytes")
            numbers.push_back(core::toJson(metric));
    }
    return numbers;
}

/// Stops a trial when it begins a phase for the given time.
class StopAt : public engine::TrialObserver
{
public:
    StopAt(std::string_view phase, int count)
        : m_phase(phase)
        , m_left(count)
    {}
    void progressed(std::string_view phase, int, int) override { m_left -= phase == m_phase ? 1 : 0; }
    bool isCancelled() const override { return m_left <= 0; }

private:
    std::string_view m_phase;
    int m_left;
};

} // namespace

class TstPackedModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsBackWhatWasPacked_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<int>("groupSize");
        QTest::addColumn<bool>("symmetric");
        QTest::addRow("3 bits, groups of 32") << 3 << 32 << false;
        QTest::addRow("4 bits, symmetric") << 4 << 64 << true;
        QTest::addRow("8 bits, whole rows") << 8 << -1 << false;
    }
    void readsBackWhatWasPacked()
    {
        QFETCH(int, bits);
        QFETCH(int, groupSize);
        QFETCH(bool, symmetric);
        const c10::InferenceMode noGradients;
        engine::AffineOptions options;
        options.bits = bits;
        options.groupSize = groupSize;
        options.symmetric = symmetric;
        const auto whole = model();
        const engine::ModelTensors before = compressed(*whole, options);
        const QTemporaryDir folder;
        const auto packed = pack(before, whole->digest(), folder);
        QVERIFY2(packed.ok(), packed.ok() ? "" : packed.error().sentence().c_str());
        QCOMPARE(QFileInfo(QString::fromStdString(fileOf(packed.value(), folder).string())).size(),
                 packed.value().bytes.value);
        QCOMPARE(QDir(folder.path()).entryList(QDir::Files).size(), 1);

        engine::ModelTensors after = whole->tensors();
        const core::Status read =
            engine::unpackModel(fileOf(packed.value(), folder), packed.value().digest, whole->digest(), after);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(after.replacements().size(), before.replacements().size());
        for (const char* name : {kQuery, kKey, kNorm})
            QVERIFY(at::equal(after.read(name).value(), before.read(name).value()));
        const core::Architecture& architecture = whole->graph().architecture();
        QCOMPARE(engine::storedSize(architecture, after).value, engine::storedSize(architecture, before).value);

        const auto again = pack(after, whole->digest(), folder);
        QCOMPARE(again.value().digest.hex(), packed.value().digest.hex());
        QCOMPARE(QDir(folder.path()).entryList(QDir::Files).size(), 1);
    }

    void otherSafetensorsReadersFindTheParts()
    {
        const c10::InferenceMode noGradients;
        const auto whole = model();
        const QTemporaryDir folder;
        const auto packed = pack(compressed(*whole, {}), whole->digest(), folder);
        const auto file = core::SafetensorsFile::open(fileOf(packed.value(), folder));
        QVERIFY(file.ok());
        QByteArrayList names;
        for (const core::SafetensorsEntry& entry : file.value().tensors())
            names.push_back(QByteArray::fromStdString(entry.name));
        const QByteArray query = kQuery;
        QCOMPARE(names, (QByteArrayList {QByteArray(kNorm) + "/values", query + "/codes", query + "/scales",
                                         query + "/zero_points"}));
    }

    void refusesWhatIsNotThisModel_data()
    {
        QTest::addColumn<QByteArray>("damage");
        QTest::addColumn<QByteArray>("says");
        QTest::addRow("missing") << QByteArray("missing") << QByteArray("does not exist");
        QTest::addRow("changed") << QByteArray("changed") << QByteArray("content was changed");
        QTest::addRow("of another model") << QByteArray("other model") << QByteArray("another model");
        QTest::addRow("another shape") << QByteArray("other shape")
                                       << QByteArray("no model.layers.0.self_attn.q_proj.weight of this shape");
        QTest::addRow("no packed model") << QByteArray("other file") << QByteArray("no packed model");
    }
    void refusesWhatIsNotThisModel()
    {
        QFETCH(QByteArray, damage);
        QFETCH(QByteArray, says);
        const c10::InferenceMode noGradients;
        const auto whole = model();
        const QTemporaryDir folder;
        engine::ModelTensors tensors = compressed(*whole, {});
        if (damage == "other shape")
            tensors.replace(kQuery, engine::roundToNearest(at::ones({4, 128}), {}).value());
        const auto packed = pack(tensors, whole->digest(), folder);
        QVERIFY(packed.ok());
        std::filesystem::path file = fileOf(packed.value(), folder);
        core::Sha256Digest digest = packed.value().digest;
        core::Sha256Digest of = whole->digest();
        if (damage == "missing")
            QVERIFY(QFile::remove(QString::fromStdString(file.string())));
        if (damage == "changed")
            flipByte(file, packed.value().bytes.value - 5);
        if (damage == "other model")
            of = core::sha256("another model");
        if (damage == "other file") {
            file = kResources / "models" / "tiny-llama" / "model.safetensors";
            digest = core::sha256OfFile(file).value();
        }
        engine::ModelTensors target = whole->tensors();
        const core::Status read = engine::unpackModel(file, digest, of, target);
        QVERIFY(!read.ok());
        QVERIFY2(QByteArray::fromStdString(read.error().message).contains(says), read.error().message.c_str());
        QVERIFY(target.replacements().empty());
    }

    void aLayoutThatNobodyReadsIsNotPacked()
    {
        const c10::InferenceMode noGradients;
        const auto whole = model();
        engine::ModelTensors tensors = whole->tensors();
        tensors.replace(kNorm, std::make_shared<ForeignTensor>(tensors.read(kNorm).value(), core::ElementType::BF16));
        const auto packer = engine::ModelPacker::of(tensors, whole->digest());
        QVERIFY(!packer.ok());
        QCOMPARE(packer.error().code, core::ErrorCode::Unsupported);
    }

    void aKeptModelIsMeasuredWithoutCompressing_data()
    {
        QTest::addColumn<QByteArray>("pipeline");
        QTest::addColumn<bool>("damaged");
        QTest::addRow("rtn") << QByteArray("[rtn: {bits: 3, group_size: 32}]") << false;
        QTest::addRow("gptq, order of activations")
            << QByteArray("[gptq: {bits: 3, group_size: 64, activation_order: dynamic}]") << false;
        QTest::addRow("damaged: compressed again") << QByteArray("[gptq: {bits: 4, group_size: 64}]") << true;
    }
    void aKeptModelIsMeasuredWithoutCompressing()
    {
        QFETCH(QByteArray, pipeline);
        QFETCH(bool, damaged);
        const SweepUnderTest test("  - " + pipeline.toStdString() + "\n", 2);
        const QTemporaryDir folder;
        tests::SilentObserver observer;
        core::TrialRequest request = test.request(0);
        request.artifacts = folder.path().toStdString();
        request.artifactLimit = {1 << 30};
        engine::TrialRunner runner(optionsFor());
        const auto first = runner.run(request, observer);
        QVERIFY2(first.ok(), first.ok() ? "" : first.error().sentence().c_str());
        QCOMPARE(first.value().artifacts.size(), std::size_t(1));
        const core::ArtifactRecord& artifact = first.value().artifacts.front();
        QCOMPARE(artifact.role, std::string("model"));

        request.kept = core::KeptModel {std::filesystem::path(folder.path().toStdString()) / artifact.sha256,
                                        core::Sha256Digest::fromHex(artifact.sha256).value()};
        if (damaged)
            flipByte(request.kept->file, artifact.bytes / 2);
        engine::TrialRunner another(optionsFor());
        const auto second = another.run(request, observer);
        QVERIFY2(second.ok(), second.ok() ? "" : second.error().sentence().c_str());
        QCOMPARE(numbersOf(second.value()), numbersOf(first.value()));
        QCOMPARE(second.value().layerMetrics.empty(), !damaged);
        QCOMPARE(second.value().provenance.contains("measured_from"), !damaged);
        QCOMPARE(second.value().provenance.at("warnings").empty(), !damaged);
        QCOMPARE(second.value().artifacts.size(), std::size_t(damaged ? 1 : 0)); // it mends what it found damaged
        QCOMPARE(core::sha256OfFile(request.kept->file).value().hex(), artifact.sha256);
    }

    /// Somebody else finished the trial and kept its model while our process was killed in the middle of it.
    void anUnfinishedTrialDoesNotSpoilTheKeptModel_data()
    {
        QTest::addColumn<QByteArray>("phase");
        QTest::addColumn<int>("count");
        QTest::addRow("stopped in the first stage") << QByteArray("compress") << 3;
        QTest::addRow("stopped in the second stage") << QByteArray("compress") << 7;
        QTest::addRow("stopped in the evaluation") << QByteArray("evaluate") << 1;
    }
    void anUnfinishedTrialDoesNotSpoilTheKeptModel()
    {
        QFETCH(QByteArray, phase);
        QFETCH(int, count);
        const SweepUnderTest test("  - [rtn: {bits: 8, group_size: 64, include: ['*.o_proj']}, gptq: {bits: 3, "
                                  "group_size: 64, exclude: ['*.o_proj']}]\n",
                                  2);
        const QTemporaryDir folder;
        const QTemporaryDir cache;
        tests::SilentObserver observer;
        core::TrialRequest request = test.request(0);
        request.artifacts = folder.path().toStdString();
        request.artifactLimit = {1 << 30};
        engine::TrialRunner elsewhere(optionsFor());
        const auto kept = elsewhere.run(request, observer);
        QVERIFY2(kept.ok(), kept.ok() ? "" : kept.error().sentence().c_str());

        QDir trials(cache.filePath(QStringLiteral("trials")));
        {
            StopAt stop(phase.constData(), count);
            engine::TrialRunner stopped(optionsFor(1, cache.path()));
            QCOMPARE(stopped.run(request, stop).error().code, core::ErrorCode::Cancelled);
            QCOMPARE(trials.entryList(QDir::Dirs | QDir::NoDotAndDotDot).size(), 1);
        }
        const core::ArtifactRecord& artifact = kept.value().artifacts.front();
        request.kept = core::KeptModel {std::filesystem::path(folder.path().toStdString()) / artifact.sha256,
                                        core::Sha256Digest::fromHex(artifact.sha256).value()};
        engine::TrialRunner again(optionsFor(1, cache.path()));
        const auto measured = again.run(request, observer);
        QVERIFY2(measured.ok(), measured.ok() ? "" : measured.error().sentence().c_str());
        QCOMPARE(numbersOf(measured.value()), numbersOf(kept.value()));
        QVERIFY(measured.value().provenance.contains("measured_from"));
        QVERIFY2(measured.value().provenance.at("warnings").empty(), measured.value().provenance.dump().c_str());
        QVERIFY(trials.entryList(QDir::AllEntries | QDir::NoDotAndDotDot).isEmpty());
    }

    void whatIsNotKeptIsSaid_data()
    {
        QTest::addColumn<QByteArray>("folder");
        QTest::addColumn<qint64>("limit");
        QTest::addColumn<QByteArray>("says");
        QTest::addRow("too large") << QByteArray("") << qint64(1000) << QByteArray("0 MiB are left");
        QTest::addRow("not writable") << QByteArray("/proc/nowhere") << qint64(1 << 30) << QByteArray("was not kept");
        QTest::addRow("not asked for") << QByteArray("none") << qint64(1 << 30) << QByteArray("");
    }
    void whatIsNotKeptIsSaid()
    {
        QFETCH(QByteArray, folder);
        QFETCH(qint64, limit);
        QFETCH(QByteArray, says);
        const SweepUnderTest test("  - [rtn: {bits: 4, group_size: 64}]\n", 1);
        const QTemporaryDir own;
        tests::SilentObserver observer;
        core::TrialRequest request = test.request(0);
        request.artifacts = folder == "none" ? "" : folder.isEmpty() ? own.path().toStdString() : folder.toStdString();
        request.artifactLimit = {limit};
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(request, observer);
        QVERIFY(outcome.ok());
        QVERIFY(outcome.value().artifacts.empty());
        const core::Json& warnings = outcome.value().provenance.at("warnings");
        QCOMPARE(warnings.empty(), says.isEmpty());
        if (!says.isEmpty())
            QVERIFY2(QByteArray::fromStdString(warnings.dump()).contains(says), warnings.dump().c_str());
        QVERIFY(QDir(own.path()).entryList(QDir::Files).isEmpty());
    }
};

QTEST_GUILESS_MAIN(TstPackedModel)
#include "tst_packed_model.moc"
