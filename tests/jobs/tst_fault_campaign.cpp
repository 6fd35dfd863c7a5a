// SPDX-License-Identifier: Apache-2.0
// Random faults from a seed, one in each run of a sweep over scripted workers: whatever happens to a worker, to the
// coordinator, to the bytes between them or in a method, every trial that was reported is in the project, no process is
// left, the run ends in time, and the same sweep run again completes with the ids and metrics of an undisturbed one.
// PARETOSCOPE_FAULTS: how many; PARETOSCOPE_FAULT_SEED: which.
#include "core/project/database.h"
#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QElapsedTimer>
#include <QProcess>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace paretoscope;

namespace {

constexpr int kTrials = 16;
constexpr int kTrialMilliseconds = 25;
constexpr int kStall = 3000;
constexpr int kDeadline = 40'000; ///< of a run, whatever was done to it

const QString kWorker = QStringLiteral(PARETOSCOPE_FAKE_WORKER);

/// Who gets a signal.
enum class Victim
{
    Worker,
    Workers,
    Coordinator,
    All
};

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

/// What came of the faults of one kind.
struct Tally
{
    int faults = 0;
    int struck = 0;      ///< the run was still going on
    int keptTrials = 0;  ///< reported by disturbed runs, and found again
    int lostWorkers = 0; ///< as the project tells
    qint64 longest = 0;  ///< of the disturbed runs, milliseconds
};

using Results = std::map<std::string, core::Json>; ///< metrics by id of the finished trials

Results resultsIn(const std::string& project)
{
    Results results;
    const auto store = core::ProjectStore::open(project, core::OpenMode::ReadOnly);
    if (!store.ok())
        return results;
    std::vector<core::TrialRecord> trials = store.value().trials().value();
    for (const core::TrialRecord& trial : trials) {
        if (trial.status != core::TrialStatus::Done)
            continue;
        core::Json metrics = core::Json::array();
        for (const core::MetricRecord& metric : trial.metrics)
            metrics.push_back({metric.name, metric.protocol, metric.value.value_or(-1)});
        results[trial.id.hex()] = std::move(metrics);
    }
    return results;
}

/// A coordinator with two workers, all of which carry the project's path in their environment.
class Run
{
public:
    explicit Run(const QString& project, const QString& fault = {})
        : m_mark("PARETOSCOPE_TEST_MARK=" + project.toUtf8())
    {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("PARETOSCOPE_TEST_MARK"), project);
        if (!fault.isEmpty())
            environment.insert(QStringLiteral("PARETOSCOPE_FAKE_FAULT"), fault);
        m_process.setProcessEnvironment(environment);
        m_clock.start();
        m_process.start(QStringLiteral(PARETOSCOPE_SWEEP_COORDINATOR),
                        {project, QStringLiteral("2"), QString::number(kTrials - 1),
                         QString::number(kTrialMilliseconds), QString::number(kStall)});
        m_process.waitForStarted();
    }

    /// Waits for so many reports, then that long.
    void waitFor(int reports, int milliseconds)
    {
        while (output().count('\n') < reports && m_process.waitForReadyRead(kDeadline)) {
        }
        m_process.waitForFinished(milliseconds);
    }
    /// @return whether there was somebody to get it
    bool signal(Victim victim, int number)
    {
        std::vector<qint64> victims;
        if (victim != Victim::Coordinator) {
            for (const qint64 worker : workers())
                victims.push_back(worker);
        }
        if (victim == Victim::Worker && victims.size() > 1)
            victims.resize(1);
        if (victim == Victim::Coordinator || victim == Victim::All) {
            if (m_process.state() == QProcess::Running)
                victims.push_back(m_process.processId());
        }
        for (const qint64 process : victims)
            ::kill(static_cast<pid_t>(process), number);
        return !victims.empty();
    }
    bool ends()
    {
        const qint64 left = std::max<qint64>(1, kDeadline - m_clock.elapsed());
        return m_process.state() == QProcess::NotRunning || m_process.waitForFinished(static_cast<int>(left));
    }
    qint64 milliseconds() const { return m_clock.elapsed(); }
    int exitCode() const { return m_process.exitStatus() == QProcess::NormalExit ? m_process.exitCode() : -1; }
    QList<qint64> workers() const { return tests::processesOf(kWorker, m_mark); }
    QByteArray errors() { return m_process.readAllStandardError(); }
    const QByteArray& output()
    {
        m_output += m_process.readAllStandardOutput();
        return m_output;
    }

private:
    QByteArray m_mark;
    QProcess m_process;
    QElapsedTimer m_clock;
    QByteArray m_output;
};

} // namespace

class TstFaultCampaign : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        const QString project = m_folder.filePath(QStringLiteral("reference.pscope"));
        Run run(project);
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
        Tally& tally = m_tallies[kind];
        ++tally.faults;
        const int seed = qMax(1, qEnvironmentVariableIntValue("PARETOSCOPE_FAULT_SEED"));
        QRandomGenerator random(quint32(seed * 100'003 + number));
        const QTemporaryDir folder;
        const QString project = folder.filePath(QStringLiteral("p.pscope"));
        disturb(project, fault, random, tally);
        if (QTest::currentTestFailed())
            return;

        Run again(project);
        QVERIFY2(again.ends(), "the second run hangs");
        QVERIFY2(again.exitCode() == 0, again.errors().constData());
        QTRY_VERIFY(again.workers().isEmpty());
        QCOMPARE(resultsIn(project.toStdString()), m_reference);
        auto database = core::Database::open(project.toStdString(), core::Database::Access::ReadOnly);
        QCOMPARE(database.value().text("PRAGMA integrity_check").value(), std::string("ok"));
    }

    void cleanupTestCase()
    {
        Tally sum;
        std::printf(
            "| fault | times | struck | trials kept | workers lost | longest run |\n|---|---|---|---|---|---|\n");
        for (const auto& [kind, tally] : m_tallies) {
            print(faultKinds()[std::size_t(kind)].name, tally);
            sum.faults += tally.faults;
            sum.struck += tally.struck;
            sum.keptTrials += tally.keptTrials;
            sum.lostWorkers += tally.lostWorkers;
            sum.longest = std::max(sum.longest, tally.longest);
        }
        print("all", sum);
        QVERIFY(2 * sum.struck > sum.faults); // the moments are well chosen
    }

private:
    static void print(const char* name, const Tally& tally)
    {
        std::printf("| %s | %d | %d | %d | %d | %.1f s |\n", name, tally.faults, tally.struck, tally.keptTrials,
                    tally.lostWorkers, double(tally.longest) / 1000);
    }

    void disturb(const QString& project, const FaultKind& fault, QRandomGenerator& random, Tally& tally)
    {
        QString misdeed;
        const QTemporaryDir order; // in which trials begin
        if (fault.misdeed)
            misdeed = QStringLiteral("%1 %2 %3")
                          .arg(QString::fromLatin1(fault.misdeed))
                          .arg(random.bounded(kTrials))
                          .arg(order.path());
        Run run(project, misdeed);
        bool struck = fault.misdeed != nullptr;
        if (!fault.misdeed)
            run.waitFor(random.bounded(kTrials - 2), random.bounded(2 * kTrialMilliseconds));
        for (const int signal : fault.signals) {
            struck = run.signal(fault.victim, signal) || struck;
            QTest::qWait(random.bounded(200));
        }
        QVERIFY2(run.ends(), "the disturbed run hangs");
        QTRY_VERIFY_WITH_TIMEOUT(run.workers().isEmpty(), 10'000);
        tally.struck += struck ? 1 : 0;
        tally.longest = std::max(tally.longest, run.milliseconds());

        const bool isOver = fault.victim == Victim::Coordinator || fault.victim == Victim::All;
        if (!isOver || fault.misdeed)
            QCOMPARE(run.exitCode(), fault.failsTrial ? 3 : 0); // a lost worker costs no trial
        checkReported(project, run.output(), tally);
    }

    void checkReported(const QString& project, const QByteArray& output, Tally& tally)
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
        if (kept.empty())
            return;
        const auto store = core::ProjectStore::open(project.toStdString(), core::OpenMode::ReadOnly);
        const std::vector<core::EventRecord> events = store.value().events().value();
        tally.lostWorkers += static_cast<int>(std::count_if(
            events.begin(), events.end(), [](const core::EventRecord& event) { return event.kind == "worker_lost"; }));
    }

    QTemporaryDir m_folder;
    Results m_reference;
    std::map<int, Tally> m_tallies;
};

QTEST_GUILESS_MAIN(TstFaultCampaign)
#include "tst_fault_campaign.moc"
