// SPDX-License-Identifier: Apache-2.0
// Whatever a memory plan says, numbers stay the same to the last bit.
#include "core/engine/evaluation/evaluator.h"
#include "core/engine/model/packed_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/statistics/activation_statistics.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/bystanders.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <map>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::NoServices;
using paretoscope::tests::SilentObserver;

namespace {

/// Rounds every linear on grids that depend on the statistics it saw, so that a wrong activation shows.
class RoundByInput : public Stage
{
public:
    explicit RoundByInput(Propagate propagate)
        : m_propagate(propagate)
    {}
    core::Status validate(const ModelView&) const override { return core::success(); }
    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        StagePlan plan;
        plan.propagate = m_propagate;
        plan.statistics = {{.id = "hessian"}, {.id = "column_abs_mean"}};
        for (std::size_t i = 0; i < model.units.size(); ++i)
            plan.targets.push_back(i);
        return plan;
    }
    core::Status apply(StageTask& task) override
    {
        const Unit& unit = *task.units().front();
        PSC_ASSIGN(const StatisticValue hessian, task.statistic(unit, "hessian"));
        PSC_ASSIGN(const StatisticValue mean, task.statistic(unit, "column_abs_mean"));
        AffineOptions options;
        options.groupSize = 32;
        const at::Tensor scaled = task.weight(unit) * (mean.value + hessian.value.diagonal()).sqrt();
        PSC_ASSIGN(auto rounded, roundToNearest(scaled, options));
        task.replace(unit, std::move(rounded));
        ++calls;
        return core::success();
    }
    int calls = 0;

private:
    Propagate m_propagate;
};

/// Keeps every logit.
class Recorder : public Metric
{
public:
    explicit Recorder(std::vector<std::vector<std::int32_t>> sequences)
    {
        for (std::vector<std::int32_t>& ids : sequences) {
            const int length = static_cast<int>(ids.size());
            m_sequences.push_back({std::move(ids), 0, length});
        }
        logits.resize(m_sequences.size());
    }
    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int, const at::Tensor& rows) override
    {
        logits[static_cast<std::size_t>(sequence)].push_back(rows.clone());
    }
    core::Result<std::vector<core::MetricRecord>> finish() override { return std::vector<core::MetricRecord>(); }
    std::vector<std::vector<at::Tensor>> logits;

private:
    std::vector<MetricSequence> m_sequences;
};

std::vector<std::vector<std::int32_t>> sequences()
{
    std::vector<std::vector<std::int32_t>> made;
    std::int32_t id = 7;
    for (const int length : {6, 40, 17, 130, 64}) {
        std::vector<std::int32_t>& ids = made.emplace_back();
        for (int i = 0; i < length; ++i)
            ids.push_back(id = (id * 75 + 74) % 4096);
    }
    return made;
}

struct Outcome
{
    std::map<std::string, at::Tensor> weights;
    std::vector<at::Tensor> logits;
    std::int64_t storedBits = 0;
    std::int64_t spilled = 0;
};

core::Result<Outcome> run(const core::MemoryPlan& memory, Propagate propagate)
{
    const c10::InferenceMode noGradients;
    PSC_ASSIGN(const auto model,
               WarmModel::load(PARETOSCOPE_RESOURCES "/models/tiny-llama", PARETOSCOPE_RESOURCES "/architectures",
                               core::Bytes {memory.keepsWeights ? std::int64_t(1) << 30 : 0}));
    const Calibration calibration {sequences(), {{"test", 1}}};
    ModelTensors tensors = model->tensors();
    const auto scratch = std::make_shared<core::ScratchFile>(memory.scratch);
    if (memory.spillsReplacements)
        tensors.spillTo(scratch);
    RoundByInput stage(propagate);
    NoServices services;
    SilentObserver observer;
    TrialLog log;
    RunTimeParts parts;
    const StatisticCache noCache({});
    PSC_TRY(runStage(stage, {model->graph(), tensors, &calibration, builtInStatistics(), noCache, services, observer,
                             log, 7, parts, memory}));
    std::vector<std::unique_ptr<Metric>> metrics;
    metrics.push_back(std::make_unique<Recorder>(sequences()));
    PSC_TRY(evaluate(metrics, {model->graph(), tensors, parts.hooks, observer, memory}));
    Outcome outcome;
    outcome.spilled = scratch->size();
    for (const auto& [name, replacement] : tensors.replacements()) {
        outcome.weights[name] = replacement->dequantize();
        for (const StoredPart& part : replacement->storedParts())
            outcome.storedBits += part.bits.value;
    }
    for (const auto& rows : static_cast<Recorder&>(*metrics.front()).logits)
        outcome.logits.push_back(at::cat(rows));
    return outcome;
}

} // namespace

Q_DECLARE_METATYPE(paretoscope::core::MemoryPlan)

class TstMemoryPlan : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(2); }

    void numbersDoNotDependOnThePlan_data()
    {
        QTest::addColumn<core::MemoryPlan>("plan");
        QTest::addColumn<int>("propagate");
        for (const auto& [name, propagate] :
             {std::pair("original", Propagate::Original), std::pair("block", Propagate::Block),
              std::pair("step", Propagate::Step)}) {
            core::MemoryPlan plan;
            plan.readsAhead = false;
            QTest::addRow("%s, one block at a time", name) << plan << int(propagate);
            plan.keepsWeights = false;
            QTest::addRow("%s, weights read again", name) << plan << int(propagate);
            plan.readsAhead = true;
            plan.spillsReplacements = true;
            QTest::addRow("%s, read ahead, replacements spilled", name) << plan << int(propagate);
            plan.activations = {20'000};
            QTest::addRow("%s, some activations spilled", name) << plan << int(propagate);
            plan.keepsPasses = false;
            plan.activations = {0};
            QTest::addRow("%s, all spilled, steps computed again", name) << plan << int(propagate);
            plan.inFlight = 1;
            plan.readsAhead = false;
            QTest::addRow("%s, the least", name) << plan << int(propagate);
        }
    }
    void numbersDoNotDependOnThePlan()
    {
        QFETCH(core::MemoryPlan, plan);
        QFETCH(int, propagate);
        plan.scratch = m_folder.path().toStdString();
        const auto expected = run({}, Propagate(propagate));
        const auto found = run(plan, Propagate(propagate));
        QVERIFY2(expected.ok() && found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        QCOMPARE(expected.value().weights.size(), std::size_t(28));
        for (const auto& [name, weight] : expected.value().weights)
            QVERIFY2(at::equal(weight, found.value().weights.at(name)), name.c_str());
        for (std::size_t i = 0; i < expected.value().logits.size(); ++i)
            QVERIFY2(at::equal(expected.value().logits[i], found.value().logits[i]), qPrintable(QString::number(i)));
        QCOMPARE(found.value().storedBits, expected.value().storedBits);
        QCOMPARE(found.value().spilled > 0, plan.spillsReplacements);
        QVERIFY(QDir(m_folder.path()).isEmpty());
    }

    void activationsComeBackBitForBit()
    {
        const at::Tensor first = at::rand({5, 3});
        const at::Tensor second = at::rand({200, 3}).t();
        ActivationStore store(2, core::Bytes {100}, m_folder.path().toStdString());
        QVERIFY(store.put(0, first).ok());
        QVERIFY(store.put(1, second).ok());
        QCOMPARE(store.spilled().value, std::int64_t(2400));
        QVERIFY(at::equal(store.get(0).value(), first));
        QVERIFY(at::equal(store.take(1).value(), second));
        // Taking the one in memory makes room for the other.
        QVERIFY(at::equal(store.take(0).value(), first));
        QVERIFY(store.put(1, first * 2).ok());
        QCOMPARE(store.spilled().value, std::int64_t(2400));
        QVERIFY(at::equal(store.get(1).value(), first * 2));
        QCOMPARE(store.bytes().value, std::int64_t(120));
    }

    void scratchInAFolderThatIsNoneIsOneSentence()
    {
        QFile file(m_folder.filePath(QStringLiteral("file")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        ActivationStore store(1, core::Bytes {0}, file.fileName().toStdString());
        const core::Status status = store.put(0, at::rand({4}));
        QVERIFY(!status.ok());
        QCOMPARE(status.error().code, core::ErrorCode::Io);
        QVERIFY(QString::fromStdString(status.error().message).contains(file.fileName()));
        QVERIFY(QString::fromStdString(status.error().hint).contains(QStringLiteral("TMPDIR")));
        file.remove();
    }

    void packedTensorsAreEqual_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<bool>("ordered");
        for (const int bits : {2, 3, 4, 5, 8}) {
            QTest::addRow("%d bit", bits) << bits << false << false;
            QTest::addRow("%d bit, symmetric", bits) << bits << true << false;
            QTest::addRow("%d bit, groups in another order", bits) << bits << false << true;
        }
    }
    void packedTensorsAreEqual()
    {
        QFETCH(int, bits);
        QFETCH(bool, symmetric);
        QFETCH(bool, ordered);
        AffineOptions options;
        options.bits = bits;
        options.symmetric = symmetric;
        options.groupSize = 24; // 70 = 2 * 24 + 22
        at::Tensor weight = at::randn({9, 70});
        weight[3].zero_();
        const AffineGrids grids = fitGrids(weight, options).value();
        const at::Tensor order = ordered ? (at::arange(70) * 3 % 70 / 24).to(at::kInt) : at::Tensor();
        const GroupAffineTensor tensor(quantizeToCodes(weight, grids, options), grids, options, order);
        const auto back = unpack(pack(tensor), *TensorLayouts::builtIn());
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), tensor.dequantize()));
        const auto parts = tensor.storedParts();
        const auto partsBack = back.value()->storedParts();
        QCOMPARE(partsBack.size(), parts.size());
        for (std::size_t i = 0; i < parts.size(); ++i) {
            QCOMPARE(partsBack[i].name, parts[i].name);
            QCOMPARE(partsBack[i].bits.value, parts[i].bits.value);
        }
    }

    void damagedPackedTensorsAreRefused()
    {
        AffineOptions options;
        options.groupSize = 32;
        const auto tensor = roundToNearest(at::randn({4, 64}), options).value();
        const std::string packed = pack(*tensor);
        for (std::size_t length = 0; length < packed.size(); length += 13)
            QVERIFY(!unpack(std::string_view(packed).substr(0, length), *TensorLayouts::builtIn()).ok());
    }

private:
    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstMemoryPlan)
#include "tst_memory_plan.moc"
