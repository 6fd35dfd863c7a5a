// SPDX-License-Identifier: Apache-2.0
// A small test stage uses statistics, replacement and propagation through the plugin contract.
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/statistics/activation_statistics.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/bystanders.h"

#include <QTemporaryDir>
#include <QtTest>

#include <c10/core/InferenceMode.h>

#include <map>
#include <numeric>
#include <stdexcept>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::NoServices;

namespace {

/// Every unit, with the mean squares of what it reads.
StagePlan planOfAll(const ModelView& model, Propagate propagate, StageScope scope = StageScope::Tensor)
{
    StagePlan plan;
    plan.scope = scope;
    plan.propagate = propagate;
    plan.statistics = {{.id = "column_square_mean"}};
    plan.targets.resize(model.units.size());
    std::iota(plan.targets.begin(), plan.targets.end(), std::size_t(0));
    return plan;
}

/// Sets every value projection to zero and remembers the statistics it saw.
class ZeroValues : public Stage
{
public:
    ZeroValues(Propagate propagate, StageScope scope)
        : m_propagate(propagate)
        , m_scope(scope)
    {}

    core::Status validate(const ModelView&) const override { return core::success(); }
    core::Result<StagePlan> prepare(const ModelView& model) override { return planOfAll(model, m_propagate, m_scope); }
    core::Status begin(StageTask& task) override
    {
        ++begins;
        return task.units().empty() && calls == 0 ? core::success()
                                                  : core::Error {core::ErrorCode::Corrupt, "begun too late", ""};
    }
    core::Status apply(StageTask& task) override
    {
        ++calls;
        for (const Unit* unit : task.units()) {
            PSC_ASSIGN(const StatisticValue seen, task.statistic(*unit, "column_square_mean"));
            energies[unit->module] = seen.value.mean().item<double>();
            samples = seen.samples;
            if (unit->role == "attention.value")
                task.replace(*unit,
                             std::make_shared<DenseTensor>(at::zeros_like(task.weight(*unit)), core::ElementType::F32));
        }
        return core::success();
    }

    int begins = 0;
    int calls = 0;
    std::int64_t samples = 0;
    std::map<std::string, double> energies; ///< of the input of every module

private:
    Propagate m_propagate;
    StageScope m_scope;
};

/// Counts how often it has to make what it derives from the statistic of an input, and with which it goes on.
class Deriver : public Stage
{
public:
    Deriver(Propagate propagate, double factor)
        : m_propagate(propagate)
        , m_factor(factor)
    {}

    core::Status validate(const ModelView&) const override { return core::success(); }
    core::Result<StagePlan> prepare(const ModelView& model) override { return planOfAll(model, m_propagate); }
    core::Status apply(StageTask& task) override
    {
        const Unit& unit = *task.units().front();
        PSC_ASSIGN(const StatisticValue statistic, task.statistic(unit, "column_square_mean"));
        const DerivedValue found = task.derived(unit, "column_square_mean", {{"times", m_factor}}, [&] {
            ++made;
            return DerivedValue {statistic.value * m_factor, {{"times", m_factor}}};
        });
        right = right && at::equal(found.value, statistic.value * m_factor) && found.note.at("times") == m_factor;
        return core::success();
    }

    int made = 0;
    bool right = true;

private:
    Propagate m_propagate;
    double m_factor;
};

class Thrower : public ZeroValues
{
public:
    explicit Thrower(bool isStandard)
        : ZeroValues(Propagate::Step, StageScope::Tensor)
        , m_isStandard(isStandard)
    {}
    core::Status apply(StageTask&) override
    {
        if (m_isStandard)
            throw std::out_of_range("index 7 is out of bounds");
        throw 42;
    }

private:
    bool m_isStandard;
};

class Observer : public TrialObserver
{
public:
    void progressed(std::string_view, int, int) override { ++reports; }
    bool isCancelled() const override { return cancelAfter >= 0 && reports > cancelAfter; }
    int reports = 0;
    int cancelAfter = -1;
};

/// tiny-llama with two short calibration sequences.
struct Fixture
{
    std::unique_ptr<WarmModel> model = WarmModel::load(PARETOSCOPE_RESOURCES "/models/tiny-llama",
                                                       PARETOSCOPE_RESOURCES "/architectures", core::Bytes {1 << 28})
                                           .value();
    Calibration calibration {{{1, 5, 9, 20, 33, 7}, {400, 17, 2, 80, 1000, 3, 11}}, {{"test", 1}}};
    ModelTensors tensors = model->tensors();
    TrialLog log;
    RunTimeParts parts;
    NoServices services;
    Observer observer;

    core::Status run(Stage& stage, const StatisticCache& cache = StatisticCache({}))
    {
        const c10::InferenceMode noGradients;
        return runStage(stage, {model->graph(), tensors, &calibration, builtInStatistics(), cache, services, observer,
                                log, 7, parts});
    }
};

constexpr const char* kOutput0 = "model.layers.0.self_attn.o_proj";
constexpr const char* kOutput1 = "model.layers.1.self_attn.o_proj";
constexpr const char* kDown3 = "model.layers.3.mlp.down_proj";

} // namespace

class TstStageExecutor : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void stepSeesWhatWasReplacedInTheSameBlock()
    {
        Fixture fixture;
        ZeroValues stage(Propagate::Step, StageScope::Tensor);
        const core::Status done = fixture.run(stage);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().message.c_str());
        QCOMPARE(stage.begins, 1);
        QCOMPARE(stage.calls, 28);
        QCOMPARE(stage.samples, std::int64_t(13));
        QCOMPARE(stage.energies.at(kOutput0), 0.0);
        QCOMPARE(stage.energies.at(kOutput1), 0.0);
    }

    void blockSeesItsOwnBlockUntouched()
    {
        Fixture fixture;
        ZeroValues stage(Propagate::Block, StageScope::Tensor);
        QVERIFY(fixture.run(stage).ok());
        QVERIFY(stage.energies.at(kOutput0) > 0);
        QVERIFY(stage.energies.at(kOutput1) > 0);

        // What block 1 reads has passed the changed block 0: the same as with step up to there.
        Fixture other;
        ZeroValues step(Propagate::Step, StageScope::Tensor);
        QVERIFY(other.run(step).ok());
        QCOMPARE(stage.energies.at("model.layers.1.self_attn.q_proj"),
                 step.energies.at("model.layers.1.self_attn.q_proj"));
    }

    void originalSeesTheUntouchedModel()
    {
        Fixture untouched;
        ZeroValues observe(Propagate::Original, StageScope::Model); // replaces after everything was seen
        QVERIFY(untouched.run(observe).ok());
        QCOMPARE(observe.begins, 1);
        QCOMPARE(observe.calls, 1);

        Fixture fixture;
        ZeroValues first(Propagate::Step, StageScope::Tensor);
        QVERIFY(fixture.run(first).ok());
        QVERIFY(first.energies.at(kDown3) != observe.energies.at(kDown3));
        ZeroValues second(Propagate::Original, StageScope::Tensor); // after a stage that changed the model
        QVERIFY(fixture.run(second).ok());
        QCOMPARE(second.energies, observe.energies);
    }

    void scopeBlockGetsAllUnitsOfABlock()
    {
        Fixture fixture;
        ZeroValues stage(Propagate::Block, StageScope::Block);
        QVERIFY(fixture.run(stage).ok());
        QCOMPARE(stage.calls, 4);
        QCOMPARE(stage.energies.size(), std::size_t(28));
    }

    void statisticsOfTheOriginalModelComeFromTheCache()
    {
        const QTemporaryDir folder;
        const StatisticCache cache(folder.path().toStdString());
        Fixture first;
        ZeroValues computed(Propagate::Original, StageScope::Tensor);
        QVERIFY(first.run(computed, cache).ok());
        QCOMPARE(first.log.statisticsFromCache, 0);
        QCOMPARE(first.log.statisticsComputed, 16);

        Fixture second;
        ZeroValues cached(Propagate::Original, StageScope::Tensor);
        QVERIFY(second.run(cached, cache).ok());
        QCOMPARE(second.log.statisticsFromCache, 16);
        QCOMPARE(second.log.statisticsComputed, 0);
        QCOMPARE(cached.energies, computed.energies);
    }

    void whatIsDerivedIsMadeOncePerInput_data()
    {
        QTest::addColumn<Propagate>("propagate");
        QTest::addColumn<int>("madeByTheNextTrial");
        QTest::newRow("original") << Propagate::Original << 0;
        QTest::newRow("block") << Propagate::Block << 16;
        QTest::newRow("step") << Propagate::Step << 16;
    }
    void whatIsDerivedIsMadeOncePerInput()
    {
        QFETCH(Propagate, propagate);
        QFETCH(int, madeByTheNextTrial);
        const QTemporaryDir folder;
        const StatisticCache cache(folder.path().toStdString());
        const auto madeBy = [&](double factor) {
            Fixture fixture;
            Deriver stage(propagate, factor);
            return fixture.run(stage, cache).ok() && stage.right ? stage.made : -1;
        };
        QCOMPARE(madeBy(3), 16); // 28 layers read 16 inputs
        QCOMPARE(madeBy(3), madeByTheNextTrial);
        QCOMPARE(madeBy(5), 16); // another recipe
    }

    void cancelStopsBetweenLayers()
    {
        Fixture fixture;
        fixture.observer.cancelAfter = 2;
        ZeroValues stage(Propagate::Step, StageScope::Tensor);
        const core::Status done = fixture.run(stage);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::Cancelled);
        QVERIFY(stage.calls < 28);
    }

    void errorsOfReplacedWeightsAreRecorded()
    {
        Fixture fixture;
        ZeroValues stage(Propagate::Step, StageScope::Tensor);
        QVERIFY(fixture.run(stage).ok());
        int recorded = 0;
        for (const core::LayerMetricRecord& record : fixture.log.layerMetrics) {
            if (record.name != "relative_weight_error")
                continue;
            QCOMPARE(*record.value, 1.0); // zero instead of the weight
            ++recorded;
        }
        QCOMPARE(recorded, 4);
    }

    void nonFiniteWeightNamesItsPlace()
    {
        Fixture fixture;
        const c10::InferenceMode noGradients;
        at::Tensor broken = fixture.tensors.read("model.layers.2.mlp.up_proj.weight").value().clone();
        broken[3][5] = NAN;
        fixture.tensors.replace("model.layers.2.mlp.up_proj.weight",
                                std::make_shared<DenseTensor>(broken, core::ElementType::F32));
        ZeroValues stage(Propagate::Original, StageScope::Tensor);
        const core::Status done = fixture.run(stage);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::Numerical);
        QVERIFY2(QByteArray::fromStdString(done.error().message)
                     .contains("layers.2.mlp.up_proj: the weight at row 3, column 5"),
                 done.error().message.c_str());
    }

    void brokenActivationsAreRefused()
    {
        Fixture fixture;
        const c10::InferenceMode noGradients;
        at::Tensor broken = fixture.tensors.read("model.layers.0.mlp.down_proj.weight").value().clone();
        broken[0][0] = INFINITY;
        fixture.tensors.replace("model.layers.0.mlp.down_proj.weight",
                                std::make_shared<DenseTensor>(broken, core::ElementType::F32));
        ZeroValues stage(Propagate::Step, StageScope::Model);
        const core::Status done = fixture.run(stage);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::Numerical);
    }

    void whatAMethodThrowsIsAnErrorThatNamesThePlace_data()
    {
        QTest::addColumn<bool>("isStandard");
        QTest::addColumn<QString>("said");
        QTest::addRow("std::out_of_range") << true << QStringLiteral("index 7 is out of bounds");
        QTest::addRow("int") << false << QStringLiteral("an exception of an unknown type");
    }
    void whatAMethodThrowsIsAnErrorThatNamesThePlace()
    {
        QFETCH(bool, isStandard);
        QFETCH(QString, said);
        Fixture fixture;
        Thrower stage(isStandard);
        const core::Status done = fixture.run(stage);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::Unsupported);
        const QString message = QString::fromStdString(done.error().message);
        QVERIFY2(message.contains(said), qPrintable(message));
        QVERIFY2(message.contains(QLatin1String("model.layers.0.self_attn.")), qPrintable(message));
        QVERIFY(!done.error().hint.empty());
    }

    void calibrationIsRequired()
    {
        Fixture fixture;
        ZeroValues stage(Propagate::Step, StageScope::Tensor);
        const c10::InferenceMode noGradients;
        const core::Status done =
            runStage(stage, {fixture.model->graph(), fixture.tensors, nullptr, builtInStatistics(), StatisticCache({}),
                             fixture.services, fixture.observer, fixture.log, 7, fixture.parts});
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, core::ErrorCode::InvalidArgument);
    }
};

QTEST_GUILESS_MAIN(TstStageExecutor)
#include "tst_stage_executor.moc"
