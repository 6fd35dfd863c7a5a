// SPDX-License-Identifier: Apache-2.0
// Faults at random moments of a sweep of the whole program with real workers, from a seed: every trial reported as
// finished is in the project, no process is left, nothing hangs, and the same command completes the sweep with the ids
// and metrics of an undisturbed one. (tests/jobs/tst_fault_campaign.cpp does this with scripted workers, which also
// send broken frames.)
// PARETOSCOPE_FAULTS: how many, of every kind as often as of any other; PARETOSCOPE_FAULT_SEED: which.
#include "tests/jobs/disturbed_run.h"
#include "tests/jobs/fault_tally.h"
#include "tests/jobs/recorded_results.h"

#include <QDir>
#include <QDirIterator>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRandomGenerator>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <csignal>
#include <vector>

using namespace paretoscope;
using namespace paretoscope::tests;

namespace {

constexpr int kTrials = 5;
constexpr int kFaultyTrials = 3;        ///< that have the stage which can misbehave
constexpr int kTrialMilliseconds = 500; ///< about what a trial takes
constexpr int kLines = 36;              ///< nearly all that a run prints
constexpr int kDeadline = 120'000;      ///< of a run, ms
constexpr int kFailed = 3;              ///< exit codes
constexpr int kTooLittleMemory = 6;
constexpr int kStopped = 75;
constexpr int kKilled = -1;

const QByteArray kSweep = R"(paretoscope: 1
workload:
  kind: causal-lm
  model: RESOURCES/models/tiny-llama
  calibration: {corpus: RESOURCES/demo/corpora/train_excerpt.raw.txt, samples: 8, length: 128}
  evaluate:
    - perplexity: {corpus: RESOURCES/demo/corpora/wiki.test.tokens, length: 128, windows: 8}
    - kl_divergence: {corpus: RESOURCES/demo/corpora/wiki.test.tokens, length: 128, windows: 4}
pipelines:
  - []
  - [rtn: {bits: 4, group_size: 64}, faulty/stage: {}]
  - [gptq: {bits: 3, group_size: 64}]
  - [gptq: {bits: 3, group_size: 64}, faulty/stage: {}]
  - [gptq: {bits: 4, group_size: 64, propagate: original}, faulty/stage: {}]
)";

enum class Kind
{
    Signals, ///< to somebody
    Method,  ///< a stage misbehaves
    Leak,    ///< it loses memory
    CacheFull,
    ScratchFull,
    CacheDamaged, ///< after the signals; without any after the sweep, and another project begins with it
};

struct FaultKind
{
    const char* name;
    Kind kind;
    Victim victim = Victim::Worker;
    std::vector<int> signals {};
    const char* misdeed = "";   ///< faulty_stage.cpp
    std::vector<int> exits {0}; ///< with which the disturbed run may end
    bool hangs = false;         ///< until the limit that the run is given for that
    bool isQuick = false;       ///< part of the short run
};

const std::vector<FaultKind>& faultKinds()
{
    static const std::vector<FaultKind> kinds {
        {.name = "kill -9 of a worker", .kind = Kind::Signals, .signals = {SIGKILL}, .isQuick = true},
        {.name = "kill -9 of all workers", .kind = Kind::Signals, .victim = Victim::Workers, .signals = {SIGKILL}},
        {.name = "SIGTERM to a worker", .kind = Kind::Signals, .signals = {SIGTERM}},
        {.name = "SIGSTOP of a worker", .kind = Kind::Signals, .signals = {SIGSTOP}, .hangs = true},
        {.name = "SIGSTOP and SIGCONT of a worker", .kind = Kind::Signals, .signals = {SIGSTOP, SIGCONT}},
        {.name = "kill -9 of the coordinator",
         .kind = Kind::Signals,
         .victim = Victim::Coordinator,
         .signals = {SIGKILL},
         .exits = {kKilled, 0}},
        {.name = "SIGTERM to the coordinator",
         .kind = Kind::Signals,
         .victim = Victim::Coordinator,
         .signals = {SIGTERM},
         .exits = {kStopped, 0, kKilled}}, // the last one before it listens
        {.name = "SIGSTOP and SIGCONT of the coordinator",
         .kind = Kind::Signals,
         .victim = Victim::Coordinator,
         .signals = {SIGSTOP, SIGCONT}},
        {.name = "SIGSTOP, then kill -9 of the coordinator",
         .kind = Kind::Signals,
         .victim = Victim::Coordinator,
         .signals = {SIGSTOP, SIGKILL},
         .exits = {kKilled, 0},
         .isQuick = true},
        {.name = "kill -9 of all",
         .kind = Kind::Signals,
         .victim = Victim::All,
         .signals = {SIGKILL},
         .exits = {kKilled, 0}},
        {.name = "disk full in the cache", .kind = Kind::CacheFull, .isQuick = true},
        {.name = "disk full in the scratch folder", .kind = Kind::ScratchFull, .exits = {0, kFailed}, .isQuick = true},
        {.name = "cache damaged after kill -9 of all",
         .kind = Kind::CacheDamaged,
         .victim = Victim::All,
         .signals = {SIGKILL},
         .exits = {kKilled, 0}},
        {.name = "cache damaged between two sweeps", .kind = Kind::CacheDamaged, .isQuick = true},
        {.name = "method aborts", .kind = Kind::Method, .misdeed = "abort"},
        {.name = "method crashes", .kind = Kind::Method, .misdeed = "segv"},
        {.name = "method ends the process with 0", .kind = Kind::Method, .misdeed = "exit"},
        {.name = "method hangs", .kind = Kind::Method, .misdeed = "hang", .hangs = true, .isQuick = true},
        {.name = "method throws", .kind = Kind::Method, .misdeed = "throw", .exits = {kFailed}},
        {.name = "method throws an int", .kind = Kind::Method, .misdeed = "throw-int", .exits = {kFailed}},
        {.name = "method prints to stdout", .kind = Kind::Method, .misdeed = "print"},
        {.name = "method leaks 128 MiB", .kind = Kind::Leak, .misdeed = "leak"},
        {.name = "method leaves a process behind", .kind = Kind::Method, .misdeed = "fork"},
    };
    return kinds;
}

/// Where one sweep has its files.
struct Place
{
    explicit Place(const QString& folder)
        : project(folder + QStringLiteral("/p.pscope"))
        , cache(folder + QStringLiteral("/cache"))
        , scratch(folder + QStringLiteral("/scratch"))
    {
        QDir().mkpath(cache);
        QDir().mkpath(scratch);
    }
    QString project;
    QString cache;
    QString scratch;
};

/// A byte changed or the end cut off in about half of the files. @return how many
int damage(const QString& folder, QRandomGenerator& random)
{
    QStringList files;
    for (QDirIterator entries(folder, QDir::Files, QDirIterator::Subdirectories); entries.hasNext();)
        files << entries.next();
    files.sort();
    int damaged = 0;
    for (const QString& name : std::as_const(files)) {
        QFile file(name);
        if (random.bounded(2) == 0 || file.size() == 0 || !file.open(QIODevice::ReadWrite))
            continue;
        ++damaged;
        const qint64 place = random.bounded(file.size());
        if (random.bounded(2) == 0) {
            file.resize(place);
            continue;
        }
        char byte = 0;
        file.seek(place);
        file.getChar(&byte);
        file.seek(place);
        file.putChar(static_cast<char>(byte ^ 1));
    }
    return damaged;
}

/// Ids of the trials that a run reported as done; a torn last line is ignored.
QStringList reportedDone(const QByteArray& output)
{
    QStringList ids;
    for (const QByteArray& line : output.split('\n')) {
        const QJsonObject event = QJsonDocument::fromJson(line).object();
        if (event.value(QLatin1String("event")) == QLatin1String("trial_finished") &&
            event.value(QLatin1String("status")) == QLatin1String("done"))
            ids << event.value(QLatin1String("trial")).toString();
    }
    return ids;
}

} // namespace

class TstDemoFaults : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        for (const FaultKind& kind : faultKinds())
            m_tallies.push_back({kind.name});
        m_sweep = m_folder.filePath(QStringLiteral("sweep.yaml"));
        QFile file(m_sweep);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(QByteArray(kSweep).replace("RESOURCES", PARETOSCOPE_RESOURCES));
        file.close();
        const Place place(m_folder.filePath(QStringLiteral("reference")));

        // With the budget that this asks for, weights and activations go through the scratch folder.
        DisturbedRun refused(sweepInto(place, {QStringLiteral("--memory-budget=1KiB")}), place.project);
        QVERIFY(refused.ends());
        QCOMPARE(refused.exitCode(), kTooLittleMemory);
        const QByteArray hint = refused.output() + refused.errors();
        m_budget =
            QRegularExpression(QStringLiteral("--memory-budget (\\d+MiB)")).match(QString::fromUtf8(hint)).captured(1);
        QVERIFY2(!m_budget.isEmpty(), hint.constData());

        DisturbedRun run(sweepInto(place), place.project);
        QVERIFY(run.ends());
        QVERIFY2(run.exitCode() == 0, run.errors().constData());
        m_reference = resultsIn(place.project.toStdString());
        QCOMPARE(int(m_reference.size()), kTrials);
    }

    void sweepSurvives_data()
    {
        QTest::addColumn<int>("kind");
        QTest::addColumn<int>("number");
        const auto kinds = static_cast<int>(faultKinds().size());
        const int faults = qEnvironmentVariableIntValue("PARETOSCOPE_FAULTS");
        for (int number = 0; number < std::max(faults, kinds); ++number) {
            const FaultKind& fault = faultKinds()[std::size_t(number % kinds)];
            if (faults > 0 || fault.isQuick)
                QTest::addRow("%d: %s", number, fault.name) << number % kinds << number;
        }
    }
    void sweepSurvives()
    {
        QFETCH(int, kind);
        QFETCH(int, number);
        const FaultKind& fault = faultKinds()[std::size_t(kind)];
        FaultTally& tally = m_tallies[std::size_t(kind)];
        ++tally.faults;
        QRandomGenerator random = chanceOfFault(number);
        const QTemporaryDir folder;
        Place place(folder.path());
        disturb(place, fault, random, tally);
        if (QTest::currentTestFailed())
            return;
        if (fault.kind == Kind::CacheDamaged) {
            tally.struck += damage(place.cache, random) > 0 ? 1 : 0;
            if (fault.signals.empty())
                place.project = folder.filePath(QStringLiteral("other.pscope"));
        }

        DisturbedRun again(sweepInto(place), place.project);
        QVERIFY2(again.ends(), "the second run hangs");
        QVERIFY2(again.exitCode() == 0, again.errors().constData());
        QTRY_VERIFY_WITH_TIMEOUT(again.processes().isEmpty(), 10'000);
        QCOMPARE(resultsIn(place.project.toStdString()), m_reference); // to the last bit
        QCOMPARE(integrityOf(place.project.toStdString()), std::string("ok"));
    }

    void cleanupTestCase()
    {
        const FaultTally all = printFaults(m_tallies);
        QVERIFY(2 * all.struck > all.faults); // the moments are well chosen
    }

private:
    SweepCommand sweepInto(const Place& place, const QStringList& options = {}, int workers = 2) const
    {
        SweepCommand command;
        command.program = QStringLiteral(PARETOSCOPE_BUILD_TREE "/bin/paretoscope");
        command.worker = QStringLiteral(PARETOSCOPE_BUILD_TREE "/libexec/paretoscope/paretoscope-worker");
        command.arguments = {QStringLiteral("--batch"),
                             m_sweep,
                             QStringLiteral("--project"),
                             place.project,
                             QStringLiteral("--jobs=%1").arg(workers),
                             QStringLiteral("--threads=1"),
                             QStringLiteral("--retry=failed"),
                             QStringLiteral("--json-lines"),
                             QStringLiteral("--progress=none")};
        command.arguments << options;
        command.environment = {
            {QStringLiteral("PARETOSCOPE_CACHE"), place.cache},
            {QStringLiteral("PARETOSCOPE_PLUGINS"), QStringLiteral(PARETOSCOPE_BUILD_TREE "/tests/plugins")},
            {QStringLiteral("TMPDIR"), place.scratch}};
        command.deadline = kDeadline;
        return command;
    }

    /// The sweep with what stands in its command line and environment of a fault.
    /// @param order  folder in which the stage counts its applications
    SweepCommand disturbedSweep(const Place& place, const FaultKind& fault, QRandomGenerator& random,
                                const QString& order) const
    {
        const bool isLeak = fault.kind == Kind::Leak;
        QStringList options;
        if (fault.hangs)
            options << QStringLiteral("--stall-limit=5s");
        if (isLeak || fault.kind == Kind::ScratchFull)
            options << QStringLiteral("--memory-budget=") + m_budget;
        // One worker leaks in the first of several trials: it has to be replaced for the next one.
        SweepCommand command = sweepInto(place, options, isLeak ? 1 : 2);
        if (isLeak || fault.kind == Kind::Method)
            command.environment[QStringLiteral("PARETOSCOPE_TEST_FAULT")] =
                QStringLiteral("%1 %2 %3")
                    .arg(QString::fromLatin1(fault.misdeed))
                    .arg(isLeak ? 0 : random.bounded(kFaultyTrials))
                    .arg(order);
        if (fault.kind == Kind::CacheFull)
            fillDisk(command, place.cache, random.bounded(1 << 20));
        if (fault.kind == Kind::ScratchFull)
            fillDisk(command, place.scratch, random.bounded(1 << 18));
        return command;
    }

    static void fillDisk(SweepCommand& command, const QString& folder, int bytes)
    {
        command.environment[QStringLiteral("LD_PRELOAD")] = QStringLiteral(PARETOSCOPE_FULL_DISK_LIBRARY);
        command.environment[QStringLiteral("ASAN_OPTIONS")] = QStringLiteral("verify_asan_link_order=0");
        command.environment[QStringLiteral("PARETOSCOPE_FULL_DISK")] = QStringLiteral("%1 %2").arg(bytes).arg(folder);
    }

    void disturb(const Place& place, const FaultKind& fault, QRandomGenerator& random, FaultTally& tally)
    {
        const QTemporaryDir order;
        DisturbedRun run(disturbedSweep(place, fault, random, order.path()), place.project);
        if (!fault.signals.empty())
            run.waitFor(random.bounded(kLines), random.bounded(kTrialMilliseconds));
        bool struck = false;
        for (const int signal : fault.signals) {
            struck = run.signal(fault.victim, signal) || struck;
            QTest::qWait(random.bounded(kTrialMilliseconds));
        }
        QVERIFY2(run.ends(), "the disturbed run hangs");
        QTRY_VERIFY_WITH_TIMEOUT(run.processes().isEmpty(), 10'000);
        for (const QString& folder : {place.cache, place.scratch})
            struck = struck || QFile::exists(folder + QStringLiteral(".full"));
        struck = struck || !QDir(order.path()).isEmpty();
        if (fault.kind != Kind::CacheDamaged)
            tally.struck += struck ? 1 : 0;
        tally.longest = std::max(tally.longest, run.milliseconds());
        tally.lostWorkers += eventsIn(place.project.toStdString(), "worker_lost");

        const bool isExpected = std::find(fault.exits.begin(), fault.exits.end(), run.exitCode()) != fault.exits.end();
        QVERIFY2(isExpected, (QByteArray::number(run.exitCode()) + ": " + run.errors()).constData());
        if (fault.kind == Kind::Leak)
            QVERIFY(eventsIn(place.project.toStdString(), "worker_outgrown") > 0);
        checkReported(place, run.output(), tally);
    }

    void checkReported(const Place& place, const QByteArray& output, FaultTally& tally)
    {
        const Results kept = resultsIn(place.project.toStdString());
        for (const QString& id : reportedDone(output)) {
            const auto found = kept.find(id.toStdString());
            QVERIFY2(found != kept.end(), qPrintable(id));
            QCOMPARE(found->second, m_reference.at(found->first));
            ++tally.keptTrials;
        }
    }

    QTemporaryDir m_folder;
    QString m_sweep;
    QString m_budget; ///< the smallest with which all trials run
    Results m_reference;
    std::vector<FaultTally> m_tallies; ///< of faultKinds()
};

QTEST_GUILESS_MAIN(TstDemoFaults)
#include "tst_demo_faults.moc"
