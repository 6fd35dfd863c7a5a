// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_controller.h"

#include "core/project/device_record.h"
#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QThread>
#include <QtTest>

#include <memory>
#include <optional>

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

    void commandsAreAskedAboutBeforeAnythingIsMade()
    {
        qputenv("PARETOSCOPE_PLUGINS", PARETOSCOPE_RESOURCES "/../plugins");
        const auto restore = qScopeGuard([] { qunsetenv("PARETOSCOPE_PLUGINS"); });
        core::Sweep sweep = tests::plainSweep(1);
        const Json command {{"command", {"sh", "a"}}};
        sweep.pipelines.push_back({.stages = {{"bridge/external", "1.0.0", command, command, false}}});
        SweepController controller;
        QSignalSpy needed(&controller, &SweepController::approvalNeeded);
        QSignalSpy refused(&controller, &SweepController::refused);
        QSignalSpy finished(&controller, &SweepController::finished);
        jobs::SweepOptions options = tests::quickOptions();
        controller.start(sweep, m_project, options);
        QVERIFY(needed.wait(kWait));
        QVERIFY(!controller.isRunning());
        QVERIFY(!std::filesystem::exists(m_project));
        const auto commands = needed[0][0].value<std::vector<jobs::SweepCommand>>();
        QCOMPARE(commands.size(), std::size_t(1));
        QCOMPARE(commands[0].line, std::string("sh a"));

        options.allowedCommands = {commands[0].line};
        controller.start(sweep, m_project, options);
        QVERIFY(finished.wait(kWait));
        QCOMPARE(finished[0][0].value<jobs::SweepSummary>().done, 3);
        controller.start(sweep, m_project, tests::quickOptions()); // nothing is left to run, and to be asked about
        QVERIFY(finished.wait(kWait));
        QCOMPARE(finished[1][0].value<jobs::SweepSummary>().skipped, 3);
        QCOMPARE(needed.count(), 1);
        QVERIFY(refused.isEmpty());
    }

    void othersWriteBetweenItsTransactions_data()
    {
        QTest::addColumn<QByteArray>("when");
        QTest::addRow("before it has begun") << QByteArray("start");
        QTest::addRow("while a trial runs") << QByteArray("trial");
        QTest::addRow("after it was refused") << QByteArray("refused");
    }
    void othersWriteBetweenItsTransactions()
    {
        QFETCH(QByteArray, when);
        QVERIFY(core::ProjectStore::open(m_project, core::OpenMode::Create).ok());
        auto sweep = tests::sweepOf({{{"do", "slow"}, {"ms", 60'000}}});
        if (when == "refused")
            sweep.workload.model = "/nonexistent";
        SweepController controller;
        QSignalSpy started(&controller, &SweepController::trialStarted);
        QSignalSpy finished(&controller, &SweepController::finished);
        controller.start(sweep, m_project, tests::quickOptions());
        if (when == "trial")
            QVERIFY(started.wait(kWait));
        std::optional<core::Status> status;
        controller.write(
            [](core::ProjectStore& store) {
                return store.recordDevice({.name = "card", .cells = {{"name", "card"}}});
            },
            [&](const core::Status& written) {
                QVERIFY(QThread::currentThread() == thread());
                status = written;
            });
        QTRY_VERIFY_WITH_TIMEOUT(status, kWait);
        QVERIFY2(status->ok(), status->ok() ? "" : status->error().sentence().c_str());
        const auto store = core::ProjectStore::open(m_project, core::OpenMode::ReadOnly);
        QCOMPARE(store.value().devices().value().size(), std::size_t(1));
        if (when == "refused")
            return;
        controller.stop();
        controller.stop();
        QVERIFY(finished.count() > 0 || finished.wait(kWait));
    }

    void whatOthersFailToWriteIsToldThem()
    {
        SweepController controller;
        QSignalSpy finished(&controller, &SweepController::finished);
        controller.start(tests::plainSweep(1), m_project, tests::quickOptions());
        std::optional<core::Status> status;
        controller.write(
            [](core::ProjectStore&) -> core::Status {
                return core::Error {core::ErrorCode::InvalidArgument, "no", "never"};
            },
            [&](const core::Status& written) { status = written; });
        QVERIFY(finished.wait(kWait));
        QVERIFY(status && !status->ok());
        QCOMPARE(status->error().message, std::string("no"));
        QCOMPARE(finished[0][0].value<jobs::SweepSummary>().done, 2); // says nothing against the sweep
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
