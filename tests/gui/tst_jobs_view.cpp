// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/project_fixture.h"
#include "views/jobs/event_model.h"
#include "views/jobs/jobs_view.h"
#include "views/widgets/empty_state.h"

#include <QAbstractItemModelTester>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

core::PlannedTrial planned(const char* plugin, int bits)
{
    core::PlannedTrial trial;
    core::StageSpec stage;
    stage.plugin = std::string("quantization/") + plugin;
    stage.given = {{"bits", bits}};
    trial.pipeline.stages.push_back(stage);
    trial.id = test::idOf(trial.pipeline.label());
    return trial;
}

jobs::SweepPlan planOfFour()
{
    return {.trials = {planned("rtn", 2), planned("rtn", 3), planned("gptq", 2), planned("gptq", 3)},
            .done = {true, false, false, false},
            .held = {}};
}

core::TrialRecord ended(const core::PlannedTrial& trial, core::TrialStatus status, double seconds)
{
    core::TrialRecord record;
    record.id = trial.id;
    record.status = status;
    record.seconds = seconds;
    return record;
}

} // namespace

class TstJobsView : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom)); }

    void runIsFollowedFromPlanToEnd()
    {
        double now = 100;
        RunModel run(nullptr, [&] { return now; });
        QAbstractItemModelTester tester(&run, QAbstractItemModelTester::FailureReportingMode::QtTest);
        run.beginRun(u"demo"_s);
        QCOMPARE(run.phase(), RunModel::Phase::Preparing);
        QVERIFY(run.headline().contains(u"demo"_s));
        const jobs::SweepPlan plan = planOfFour();
        run.setPlan(plan);
        QCOMPARE(run.rowCount(), 4);
        QCOMPARE(run.index(0, RunModel::State).data().toString(), u"in the project"_s);
        QCOMPARE(run.fraction(), 0.25);
        QVERIFY(!run.remainingSeconds());

        run.startTrial(plan.trials[1], 0);
        run.startTrial(plan.trials[2], 1);
        now = 104;
        run.updateTrial({plan.trials[1].id, u"rtn(bits=3)"_s, 0, u"evaluate"_s, 16, 32});
        QCOMPARE(run.index(1, RunModel::State).data().toString(), u"worker 1"_s);
        QCOMPARE(run.index(1, RunModel::Progress).data().toString(), u"evaluate 16 of 32"_s);
        QCOMPARE(run.index(1, RunModel::Time).data().toString(), u"4.0 s"_s);
        QVERIFY(run.index(1, 0).data(RunModel::FractionRole).toDouble() > 0.5);
        const double before = run.fraction();
        run.finishTrial(ended(plan.trials[1], core::TrialStatus::Done, 4));
        QVERIFY(run.fraction() > before);
        QCOMPARE(run.headline(), u"demo: 2 of 4 trial(s)"_s);
        QVERIFY(run.remainingSeconds() && *run.remainingSeconds() > 4 && *run.remainingSeconds() < 12);
        run.finishTrial(ended(plan.trials[2], core::TrialStatus::Failed, 3));
        QVERIFY(run.headline().contains(u"1 failed"_s));
        run.startTrial(plan.trials[3], 1);
        now = 110;
        jobs::SweepSummary summary;
        summary.total = 4;
        summary.done = 1;
        summary.skipped = 1;
        summary.failed = 1;
        summary.stopped = true;
        run.endRun(summary);
        QCOMPARE(run.phase(), RunModel::Phase::Finished);
        QCOMPARE(run.index(3, RunModel::State).data().toString(), u"interrupted"_s);
        QVERIFY(run.headline().contains(u"stopped, 2 of 4"_s));
        QVERIFY(run.canContinue());
        QCOMPARE(run.elapsedSeconds(), 10.0);
    }

    void workersAndTimesAreShown_data()
    {
        QTest::addColumn<qint64>("onCard"); // bytes; -1: none
        QTest::addColumn<QString>("state");
        QTest::addColumn<QString>("memory");
        QTest::addColumn<QString>("tip");
        QTest::addRow("on the processor")
            << qint64(-1) << u"worker 2"_s << u"412 MB"_s << u"412 MB held by the process of worker 2"_s;
        QTest::addRow("on a card") << qint64(3'100'000'000) << u"worker 2 on cuda:1"_s << u"3.10 GB"_s
                                   << u"3.10 GB on cuda:1, 412 MB held by the process of worker 2"_s;
    }
    void workersAndTimesAreShown()
    {
        QFETCH(qint64, onCard);
        QFETCH(QString, state);
        QFETCH(QString, memory);
        QFETCH(QString, tip);
        double now = 100;
        RunModel run(nullptr, [&] { return now; });
        QAbstractItemModelTester tester(&run, QAbstractItemModelTester::FailureReportingMode::QtTest);
        run.beginRun(u"demo"_s);
        const jobs::SweepPlan plan = planOfFour();
        run.setPlan(plan);
        run.startTrial(plan.trials[1], 1);
        QVERIFY(run.index(1, RunModel::Memory).data().toString().isEmpty());
        QVERIFY(run.index(1, RunModel::Remaining).data().toString().isEmpty());

        jobs::WorkerStatus worker;
        worker.worker = 1;
        worker.activity = jobs::WorkerActivity::Busy;
        worker.device = onCard < 0 ? "cpu" : "cuda:1";
        worker.trial = plan.trials[1].id;
        worker.residentBytes = 412'000'000;
        if (onCard >= 0)
            worker.deviceBytes = onCard;
        run.updateWorker(worker);
        jobs::TrialProgress progress {plan.trials[1].id, u"rtn(bits=3)"_s, 1, u"compress"_s, 3, 30};
        progress.remainingSeconds = 41;
        run.updateTrial(progress);
        QCOMPARE(run.index(1, RunModel::State).data().toString(), state);
        QCOMPARE(run.index(1, RunModel::Progress).data().toString(), u"compress 3 of 30"_s);
        QCOMPARE(run.index(1, RunModel::Memory).data().toString(), memory);
        QVERIFY2(run.index(1, RunModel::Memory).data(Qt::ToolTipRole).toString().contains(tip),
                 qPrintable(run.index(1, RunModel::Memory).data(Qt::ToolTipRole).toString()));
        QCOMPARE(run.index(1, RunModel::Remaining).data().toString(), u"about 41 s"_s);
        now = 131;
        QCOMPARE(run.index(1, RunModel::Remaining).data().toString(), u"about 10 s"_s);
        const double fraction = run.index(1, 0).data(RunModel::FractionRole).toDouble();
        QVERIFY(fraction > 0.05 && fraction < 0.45); // of the whole trial
        run.finishTrial(ended(plan.trials[1], core::TrialStatus::Done, 31));
        QVERIFY(run.index(1, RunModel::Memory).data().toString().isEmpty());
        QVERIFY(run.index(1, RunModel::Remaining).data().toString().isEmpty());
    }

    void nothingToDoIsSaid()
    {
        RunModel run;
        run.beginRun(u"demo"_s);
        jobs::SweepPlan plan = planOfFour();
        plan.done.assign(4, true);
        run.setPlan(plan);
        jobs::SweepSummary summary;
        summary.total = summary.skipped = 4;
        run.endRun(summary);
        QVERIFY(run.headline().contains(u"nothing to do"_s));
        QVERIFY(!run.canContinue());
    }

    void workOfAnotherProcessIsShown()
    {
        RunModel run;
        QAbstractItemModelTester tester(&run, QAbstractItemModelTester::FailureReportingMode::QtTest);
        std::vector<core::TrialRecord> trials = test::demoTrials();
        trials[3].status = core::TrialStatus::Running;
        trials[4].status = core::TrialStatus::Queued;
        run.watch(test::snapshotOf(trials));
        QCOMPARE(run.rowCount(), 2);
        QVERIFY(run.headline().contains(u"1 running, 1 queued"_s));
        run.watch(test::snapshotOf(test::demoTrials()));
        QCOMPARE(run.rowCount(), 0);
    }

    void stopIsGracefulThenAtOnce()
    {
        SelectionModel selection;
        JobsView view(selection);
        view.resize(900, 260);
        view.show();
        QVERIFY(view.emptyState().isVisible());
        auto* stop = view.findChild<QToolButton*>(u"jobsStop"_s);
        QSignalSpy requested(&view, &JobsView::stopRequested);
        QVERIFY(!stop->isEnabled());
        view.run().beginRun(u"demo"_s);
        view.run().setPlan(planOfFour());
        QVERIFY(!view.emptyState().isVisible());
        QVERIFY(stop->isEnabled());
        QTest::mouseClick(stop, Qt::LeftButton);
        QCOMPARE(requested.count(), 1);
        view.run().markStopping();
        QCOMPARE(view.stopAction()->text(), u"Stop now"_s);
        QTest::mouseClick(stop, Qt::LeftButton);
        QCOMPARE(requested.count(), 2);
        view.run().endRun({});
        QVERIFY(!stop->isEnabled());
    }

    void rowsSelectTheirTrial()
    {
        SelectionModel selection;
        JobsView view(selection);
        view.resize(900, 300);
        view.run().beginRun(u"demo"_s);
        view.run().setPlan(planOfFour());
        view.show();
        auto* table = view.findChild<QTableView*>(u"runTable"_s);
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(view.run().index(2, 0)).center());
        QCOMPARE(selection.selected(), std::vector {planOfFour().trials[2].id});
        QTest::keyClick(table, Qt::Key_Down);
        QCOMPARE(selection.selected(), std::vector {planOfFour().trials[3].id});
    }

    void logGrowsAtItsEnd()
    {
        EventModel events;
        QAbstractItemModelTester tester(&events, QAbstractItemModelTester::FailureReportingMode::QtTest);
        ProjectSnapshot records;
        records.path = "p";
        records.events = {{"2025-03-01T10:00:00Z", "info", "sweep_started", "", "12 trials"}};
        events.setSnapshot(makeSnapshot(records));
        QSignalSpy inserted(&events, &QAbstractItemModel::rowsInserted);
        QSignalSpy reset(&events, &QAbstractItemModel::modelReset);
        records.events.push_back({"2025-03-01T10:00:09Z", "error", "trial_failed", "ab12", "Hessian"});
        events.setSnapshot(makeSnapshot(records));
        QCOMPARE(inserted.count(), 1);
        QCOMPARE(reset.count(), 0);
        QCOMPARE(events.index(1, EventModel::Text).data().toString(), u"Hessian"_s);
        QVERIFY(!events.index(1, EventModel::Text).data(Qt::DecorationRole).isNull());
        QVERIFY(events.asText().contains(u"trial_failed ab12 Hessian"_s));
        records.events.erase(records.events.begin()); // only the newest are read: the window has moved on
        events.setSnapshot(makeSnapshot(records));
        QCOMPARE(reset.count(), 1);
    }
};

QTEST_MAIN(TstJobsView)
#include "tst_jobs_view.moc"
