// SPDX-License-Identifier: Apache-2.0
// What is left when a coordinator is killed: every trial it reported, no process, and a project the next one goes on
// with.
#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QProcess>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

#include <memory>
#include <set>

using namespace paretoscope;

namespace {

constexpr int kWait = 40'000;
constexpr int kTrials = 24;

QString fakeWorker()
{
    return QString::fromLatin1(PARETOSCOPE_FAKE_WORKER);
}

} // namespace

class TstSweepRecovery : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_project = m_folder->filePath(QStringLiteral("p.pscope"));
    }
    void cleanup() { QTRY_VERIFY(tests::processesOf(fakeWorker()).isEmpty()); }

    void killedCoordinatorLosesNothingItReported_data()
    {
        QTest::addColumn<int>("reports"); // when this many trials were reported,
        QTest::addColumn<bool>("workersToo");
        QTest::addRow("while workers start") << 0 << false;
        QTest::addRow("after the first report") << 1 << false;
        QTest::addRow("in the middle") << 8 << false;
        QTest::addRow("in the middle, workers too") << 8 << true;
        QTest::addRow("near the end") << kTrials - 2 << false;
    }
    void killedCoordinatorLosesNothingItReported()
    {
        QFETCH(int, reports);
        QFETCH(bool, workersToo);
        QProcess coordinator;
        QVERIFY(start(coordinator));
        QByteArray output;
        const auto reported = [&] {
            output += coordinator.readAllStandardOutput();
            return output.count('\n');
        };
        QTRY_VERIFY_WITH_TIMEOUT(reported() >= reports || coordinator.state() == QProcess::NotRunning, kWait);
        QTest::qWait(static_cast<int>(QRandomGenerator::global()->bounded(40))); // any moment will do
        if (workersToo) {
            for (const qint64 pid : tests::processesOf(fakeWorker()))
                ::kill(static_cast<pid_t>(pid), SIGKILL);
        }
        coordinator.kill(); // SIGKILL
        QVERIFY(coordinator.waitForFinished(kWait) || coordinator.state() == QProcess::NotRunning);
        QTRY_VERIFY(tests::processesOf(fakeWorker()).isEmpty()); // no worker outlives it

        output += coordinator.readAllStandardOutput();
        checkReported(output);
        rerun();
    }

    void coordinatorKilledTimeAndAgainGetsThere()
    {
        for (int round = 0; round < 5; ++round) {
            QProcess coordinator;
            QVERIFY(start(coordinator));
            QTest::qWait(100 + static_cast<int>(QRandomGenerator::global()->bounded(400)));
            coordinator.kill();
            QVERIFY(coordinator.waitForFinished(kWait) || coordinator.state() == QProcess::NotRunning);
            checkReported(coordinator.readAllStandardOutput());
        }
        rerun();
    }

    void suspendedCoordinatorFindsItsWorkersAlive()
    {
        QProcess coordinator;
        QVERIFY(start(coordinator));
        QVERIFY(coordinator.waitForReadyRead(kWait));
        const auto pid = static_cast<pid_t>(coordinator.processId());
        ::kill(pid, SIGSTOP);
        QTest::qWait(4000); // longer than the silence that counts as lost
        ::kill(pid, SIGCONT);
        QVERIFY(coordinator.waitForFinished(kWait));
        QCOMPARE(coordinator.exitCode(), 0);
        auto store = core::ProjectStore::open(m_project.toStdString(), core::OpenMode::ReadOnly);
        const auto events = store.value().events().value();
        for (const core::EventRecord& event : events)
            QVERIFY2(event.kind != "worker_lost", event.text.c_str());
    }

    void secondCoordinatorIsRefused()
    {
        QProcess first;
        QVERIFY(start(first));
        QVERIFY(first.waitForReadyRead(kWait));
        QProcess second;
        QVERIFY(start(second));
        QVERIFY(second.waitForFinished(kWait));
        QCOMPARE(second.exitCode(), 5);
        const QByteArray said = second.readAllStandardError();
        QVERIFY2(said.contains(QByteArray::number(first.processId())), said.constData());
        QVERIFY(first.waitForFinished(kWait));
        QCOMPARE(first.exitCode(), 0); // undisturbed
    }

private:
    bool start(QProcess& coordinator) const
    {
        coordinator.start(QString::fromLatin1(PARETOSCOPE_SWEEP_COORDINATOR),
                          {m_project, QStringLiteral("2"), QString::number(kTrials - 1), QStringLiteral("15")});
        return coordinator.waitForStarted(kWait);
    }

    void checkReported(const QByteArray& output) const
    {
        if (!QFile::exists(m_project)) {
            QVERIFY(output.isEmpty());
            return;
        }
        auto store = core::ProjectStore::open(m_project.toStdString(), core::OpenMode::ReadOnly);
        QVERIFY2(store.ok(), store.ok() ? "" : store.error().message.c_str());
        for (const QByteArray& line : output.split('\n')) {
            if (line.size() != 64)
                continue;
            const auto id = core::TrialId::fromHex(line.toStdString()).value();
            const auto trial = store.value().trial(id);
            QVERIFY2(trial.ok(), line.constData());
            QCOMPARE(trial.value().status, core::TrialStatus::Done);
            QCOMPARE(trial.value().metrics.size(), std::size_t(2));
            QCOMPARE(trial.value().layerMetrics.size(), std::size_t(1));
        }
    }

    void rerun() const
    {
        QProcess again;
        QVERIFY(start(again));
        QVERIFY(again.waitForFinished(kWait));
        QVERIFY2(again.exitCode() == 0, again.readAllStandardError().constData());
        auto store = core::ProjectStore::open(m_project.toStdString(), core::OpenMode::ReadOnly);
        QVERIFY(store.ok());
        const auto trials = store.value().trials().value();
        QCOMPARE(trials.size(), std::size_t(kTrials));
        for (const core::TrialRecord& trial : trials)
            QCOMPARE(trial.status, core::TrialStatus::Done);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    QString m_project;
};

QTEST_GUILESS_MAIN(TstSweepRecovery)
#include "tst_sweep_recovery.moc"
