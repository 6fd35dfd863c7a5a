// SPDX-License-Identifier: Apache-2.0
// Random faults from a seed, one in each run of a sweep over scripted workers: whatever happens to a worker, to the
// coordinator, to the bytes between them or in a method, every trial that was reported is in the project, no process is
// left, the run ends in time, and the same sweep run again completes with the ids and metrics of an undisturbed one.
// PARETOSCOPE_FAULTS: how many; PARETOSCOPE_FAULT_SEED: which.
#include "tests/jobs/disturbed_run.h"
#include "tests/jobs/fault_tally.h"
#include "tests/jobs/recorded_results.h"

#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <csignal>
#include <vector>

using namespace paretoscope;
using namespace paretoscope::tests;

namespace {

constexpr int kTrials = 16;
constexpr int kTrialMilliseconds = 25;
constexpr int kStall = 3000;

struct FaultKind
{
    const char* name;
    Victim victim = Victim::Worker;
    std::vector<int> signals {};   ///< one after the other, a moment apart
    const char* misdeed = nullptr; ///< instead: what a method does, or what happens to its frames (fake_worker.cpp)
    bool failsTrial = false;       ///< the trial is to blame and stays failed until it is tried again
};

const std::vector<FaultKind>& faultKinds()
{
    static const std::vector<FaultKind> kinds {
        {"kill -9 of a worker", Victim::Worker, {SIGKILL}},
        {"kill -9 of all workers", Victim::Workers, {SIGKILL}},
        {"SIGTERM to a worker", Victim::Worker, {SIGTERM}},
        {"SIGSTOP of a worker", Victim::Worker, {SIGSTOP}},
        {"SIGSTOP and SIGCONT of a worker", Victim::Worker, {SIGSTOP, SIGCONT}},
        {"kill -9 of the coordinator", Victim::Coordinator, {SIGKILL}},
        {"SIGTERM to the coordinator", Victim::Coordinator, {SIGTERM}},
        {"SIGSTOP and SIGCONT of the coordinator", Victim::Coordinator, {SIGSTOP, SIGCONT}},
        {"SIGSTOP, then kill -9 of the coordinator", Victim::Coordinator, {SIGSTOP, SIGKILL}},
        {"kill -9 of all", Victim::All, {SIGKILL}},
        {"frame cut short", {}, {}, "torn"},
        {"bytes that are no frame", {}, {}, "rubbish"},
        {"frame of 2 GiB announced", {}, {}, "huge"},
        {"60,000 progress messages at once", {}, {}, "flood"},
        {"method aborts", {}, {}, "abort"},
        {"method crashes", {}, {}, "segv"},
        {"method ends the process", {}, {}, "exit"},
        {"method hangs", {}, {}, "hang"},
        {"method leaks 128 MiB", {}, {}, "leak"},
        {"method prints to stdout", {}, {}, "print"},
        {"method throws", {}, {}, "throw", true},
        {"method runs out of memory", {}, {}, "fail"},
        {"method leaves a process behind", {}, {}, "orphan"},
    };
    return kinds;
}

/// A coordinator with two workers.
SweepCommand sweepInto(const QString& project, const QString& fault = {})
{
    SweepCommand command {QStringLiteral(PARETOSCOPE_SWEEP_COORDINATOR),
                          {project, QStringLiteral("2"), QString::number(kTrials - 1),
                           QString::number(kTrialMilliseconds), QString::number(kStall)},
                          QStringLiteral(PARETOSCOPE_FAKE_WORKER)};
    if (!fault.isEmpty())
        command.environment[QStringLiteral("PARETOSCOPE_FAKE_FAULT")] = fault;
    return command;
}

} // namespace

class TstFaultCampaign : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        for (const FaultKind& kind : faultKinds())
            m_tallies.push_back({kind.name});
        const QString project = m_folder.filePath(QStringLiteral("reference.pscope"));
        DisturbedRun run(sweepInto(project), project);
        QVERIFY(run.ends());
        QVERIFY2(run.exitCode() == 0, run.errors().constData());
        m_reference = resultsIn(project.toStdString());
        QCOMPARE(int(m_reference.size()), kTrials);
    }

    void nothingIsLost_data()
    {
        QTest::addColumn<int>("kind");
        QTest::addColumn<int>("number");
        const auto kinds = static_cast<int>(faultKinds().size());
        const int faults = std::max(kinds, qEnvironmentVariableIntValue("PARETOSCOPE_FAULTS"));
        for (int number = 0; number < faults; ++number)
            QTest::addRow("%d: %s", number, faultKinds()[std::size_t(number % kinds)].name) << number % kinds << number;
    }
    void nothingIsLost()
    {
        QFETCH(int, kind);
        QFETCH(int, number);
        const FaultKind& fault = faultKinds()[std::size_t(kind)];
        FaultTally& tally = m_tallies[std::size_t(kind)];
        ++tally.faults;
        QRandomGenerator random = chanceOfFault(number);
        const QTemporaryDir folder;
        const QString project = folder.filePath(QStringLiteral("p.pscope"));
        disturb(project, fault, random, tally);
        if (QTest::currentTestFailed())
            return;

        DisturbedRun again(sweepInto(project), project);
        QVERIFY2(again.ends(), "the second run hangs");
        QVERIFY2(again.exitCode() == 0, again.errors().constData());
        QTRY_VERIFY(again.processes().isEmpty());
        QCOMPARE(resultsIn(project.toStdString()), m_reference);
        QCOMPARE(integrityOf(project.toStdString()), std::string("ok"));
    }

    void cleanupTestCase()
    {
        const FaultTally all = printFaults(m_tallies);
        QVERIFY(2 * all.struck > all.faults); // the moments are well chosen
    }

private:
    void disturb(const QString& project, const FaultKind& fault, QRandomGenerator& random, FaultTally& tally)
    {
        QString misdeed;
        const QTemporaryDir order; // in which trials begin
        if (fault.misdeed)
            misdeed = QStringLiteral("%1 %2 %3")
                          .arg(QString::fromLatin1(fault.misdeed))
                          .arg(random.bounded(kTrials))
                          .arg(order.path());
        DisturbedRun run(sweepInto(project, misdeed), project);
        bool struck = fault.misdeed != nullptr;
        if (!fault.misdeed)
            run.waitFor(random.bounded(kTrials - 2), random.bounded(2 * kTrialMilliseconds));
        for (const int signal : fault.signals) {
            struck = run.signal(fault.victim, signal) || struck;
            QTest::qWait(random.bounded(200));
        }
        QVERIFY2(run.ends(), "the disturbed run hangs");
        QTRY_VERIFY_WITH_TIMEOUT(run.processes().isEmpty(), 10'000);
        tally.struck += struck ? 1 : 0;
        tally.longest = std::max(tally.longest, run.milliseconds());

        const bool isOver = fault.victim == Victim::Coordinator || fault.victim == Victim::All;
        if (!isOver || fault.misdeed)
            QCOMPARE(run.exitCode(), fault.failsTrial ? 3 : 0); // a lost worker costs no trial
        checkReported(project, run.output(), tally);
    }

    void checkReported(const QString& project, const QByteArray& output, FaultTally& tally)
    {
        const Results kept = resultsIn(project.toStdString());
        for (const QByteArray& line : output.split('\n')) {
            if (line.size() != 64) // torn by the kill
                continue;
            const auto found = kept.find(line.toStdString());
            QVERIFY2(found != kept.end(), line.constData());
            QCOMPARE(found->second, m_reference.at(found->first));
            ++tally.keptTrials;
        }
        tally.lostWorkers += eventsIn(project.toStdString(), "worker_lost");
    }

    QTemporaryDir m_folder;
    Results m_reference;
    std::vector<FaultTally> m_tallies; ///< of faultKinds()
};

QTEST_GUILESS_MAIN(TstFaultCampaign)
#include "tst_fault_campaign.moc"
