// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_controller.h"

#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QThread>
#include <QtTest>

#include <memory>

using namespace paretoscope;
using core::Json;
using jobs::SweepController;

namespace {
constexpr int kWait = 40'000;
}

class TstSweepController : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_project = m_folder->filePath(QStringLiteral("p.pscope")).toStdString();
    }
    void cleanup() { QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty()); }

    void everySignalArrivesInThisThreadAndInOrder()
    {
        SweepController controller;
        QStringList told;
        bool inThisThread = true;
        int planned = 0;
        jobs::SweepSummary summary;
        const auto tell = [&](const char* what) {
            inThisThread = inThisThread && QThread::currentThread() == thread();
            told << QString::fromLatin1(what);
        };
        connect(&controller, &SweepController::prepared, this, [&](const jobs::SweepPlan& plan) {
            tell("prepared");
            planned = plan.total();
        });
        connect(&controller, &SweepController::trialStarted, this, [&] { tell("started"); });
        connect(&controller, &SweepController::trialFinished, this, [&] { tell("trial"); });
        connect(&controller, &SweepController::finished, this, [&](const jobs::SweepSummary& its) {
            tell("finished");
            summary = its;
            QVERIFY(!controller.isRunning());
        });
        controller.start(tests::plainSweep(2), m_project, tests::quickOptions());
        QVERIFY(controller.isRunning());
        QTRY_VERIFY_WITH_TIMEOUT(told.contains(QStringLiteral("finished")), kWait);
        QVERIFY(inThisThread);
        QCOMPARE(planned, 3);
        QCOMPARE(summary.done, 3);
        QCOMPARE(told.first(), QStringLiteral("prepared"));
        QCOMPARE(told.last(), QStringLiteral("finished"));
        QCOMPARE(told.count(QStringLiteral("trial")), 3);

        // The project is free as soon as `finished` is there, and the controller ready for the next sweep.
        QVERIFY(core::ProjectStore::open(m_project, core::OpenMode::ReadWrite).ok());
        QSignalSpy finished(&controller, &SweepController::finished);
        controller.start(tests::plainSweep(4), m_project, tests::quickOptions());
        QVERIFY(finished.wait(kWait));
        QCOMPARE(summary.skipped, 3);
        QCOMPARE(summary.done, 2);
    }

    void callsReturnAtOnceWhileWorkersRun()
    {
        SweepController controller;
        QSignalSpy started(&controller, &SweepController::trialStarted);
        QElapsedTimer timer;
        timer.start();
        controller.start(tests::sweepOf({{{"do", "deaf"}, {"ms", 60'000}}}), m_project, tests::quickOptions());
        QVERIFY(timer.elapsed() < 50);
        QVERIFY(started.wait(kWait));
        QSignalSpy finished(&controller, &SweepController::finished);
        timer.restart();
        controller.stop();
        QVERIFY(timer.elapsed() < 50);
        controller.stop();
        QVERIFY(finished.wait(kWait));
        QCOMPARE(finished[0][0].value<jobs::SweepSummary>().interrupted, 1);
        controller.stop(); // nothing runs: nothing happens
    }

    void refusalsTellWhy_data()
    {
        QTest::addColumn<std::string>("what");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addRow("project busy") << std::string("busy") << core::ErrorCode::Busy;
        QTest::addRow("folder missing") << std::string("folder") << core::ErrorCode::NotFound;
        QTest::addRow("model missing") << std::string("model") << core::ErrorCode::NotFound;
        QTest::addRow("bad option") << std::string("option") << core::ErrorCode::InvalidArgument;
    }
    void refusalsTellWhy()
    {
        QFETCH(std::string, what);
        QFETCH(core::ErrorCode, code);
        auto sweep = tests::plainSweep(1);
        auto options = tests::quickOptions();
        auto project = m_project;
        auto holder = core::ProjectStore::open(m_project, core::OpenMode::Create);
        if (what != "busy")
            holder = core::Error {};
        if (what == "folder")
            project = m_folder->filePath(QStringLiteral("none/p.pscope")).toStdString();
        if (what == "model")
            sweep.workload.model = "/nonexistent";
        if (what == "option")
            options.shardCount = 0;
        SweepController controller;
        QSignalSpy refused(&controller, &SweepController::refused);
        QSignalSpy finished(&controller, &SweepController::finished);
        controller.start(std::move(sweep), project, options);
        QVERIFY(refused.wait(kWait));
        const auto error = refused[0][0].value<core::Error>();
        QVERIFY2(error.code == code, error.message.c_str());
        QVERIFY(!controller.isRunning());
        QVERIFY(finished.isEmpty());
    }

    void destructorEndsARunningSweep()
    {
        {
            SweepController controller;
            QSignalSpy started(&controller, &SweepController::trialStarted);
            controller.start(tests::sweepOf({{{"do", "deaf"}, {"ms", 60'000}}}), m_project, tests::quickOptions());
            QVERIFY(started.wait(kWait));
        }
        QVERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty());
        QVERIFY(core::ProjectStore::open(m_project, core::OpenMode::ReadWrite).ok());
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_project;
};

QTEST_GUILESS_MAIN(TstSweepController)
#include "tst_sweep_controller.moc"
