// SPDX-License-Identifier: Apache-2.0
// Trials that begin alike: what they share is computed once, in one process, over several, after a kill and after
// damage, and no number tells the difference.
#include "core/engine/trial_runner.h"
#include "core/sweep/sweep.h"

#include <QDirIterator>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <unistd.h>

using namespace paretoscope;

namespace {

const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;

/// What the children do before a block of a stage.
enum class AtBlock
{
    Nothing,
    Kill, ///< themselves
    Wait, ///< say so and read a line
};

class Observer : public engine::TrialObserver
{
public:
    explicit Observer(AtBlock what = AtBlock::Nothing, int block = 0)
        : m_what(what)
        , m_left(block)
    {}
    void progressed(std::string_view phase, int, int) override
    {
        if (phase == "wait" && ++waits == 1 && onWait)
            onWait();
        if (phase != "compress")
            return;
        ++blocks;
        if (m_left-- != 0)
            return;
        if (m_what == AtBlock::Kill)
            ::kill(::getpid(), SIGKILL);
        if (m_what == AtBlock::Wait) {
            std::puts("waiting");
            std::fflush(stdout);
            std::getchar();
        }
    }
    bool isCancelled() const override { return false; }
    int blocks = 0;
    int waits = 0;
    std::function<void()> onWait; ///< when it is told for the first time

private:
    AtBlock m_what;
    int m_left;
};

/// Trials of one sweep: 0 rtn, 1 rtn + gptq 3 bit, 2 rtn + gptq 4 bit, 3 gptq 3 bit, 4 gptq 4 bit.
core::TrialRequest request(int trial, const std::string& propagate, std::vector<int> sharedBeginnings)
{
    const auto plugins = core::PluginCatalogue::scan({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
    const std::string gptq = "gptq: {bits: [3, 4], group_size: 64, exclude: ['*.o_proj'], propagate: " + propagate + "}";
    const std::string text =
        "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
        "  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 5, length: 96}\n"
        "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 96, windows: 3}\n"
        "    - kl_divergence: {corpus: demo/corpora/wiki.test.tokens, length: 96, windows: 2}\n"
        "pipelines:\n  - [rtn: {bits: 8, group_size: 64, include: ['*.o_proj']}]\n  - [rtn: {bits: 8, group_size: 64, include: ['*.o_proj']}, " +
        gptq + "]\n  - [" + gptq + "]\n";
    const core::Sweep sweep = core::parseSweep(text, kResources / "test.yaml", plugins).value();
    const auto identity = core::identifyWorkload(sweep.workload).value();
    const auto planned = core::planTrials(sweep, identity).at(std::size_t(trial));
    core::TrialRequest request {planned.id, sweep.workload, identity, planned.pipeline, planned.seed, {0, 1}};
    request.sharedBeginnings = std::move(sharedBeginnings);
    return request;
}

/// What a user sees of a result, times and memory aside.
QByteArray essence(const core::TrialOutcome& outcome)
{
    core::Json essence = core::Json::array();
    for (const core::MetricRecord& metric : outcome.metrics) {
        if (metric.name != "peak_memory_bytes")
            essence.push_back(core::toJson(metric));
    }
    for (const core::LayerMetricRecord& record : outcome.layerMetrics) {
        if (!record.name.ends_with("seconds"))
            essence.push_back({record.module, record.layer, record.name, record.value.value_or(-1)});
    }
    return QByteArray::fromStdString(essence.dump());
}

engine::RunnerOptions optionsFor(const QString& cache)
{
    engine::RunnerOptions options;
    options.threads = 1;
    options.cacheFolder = cache.toStdString();
    options.pluginFolders = {PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"};
    options.architectures = kResources / "architectures";
    return options;
}

struct Run
{
    QByteArray essence;
    int sharedStages = -1;
    int statisticsComputed = -1;
    int blocks = -1; ///< that stages began
    QByteArray warnings;
};

Run run(engine::TrialRunner& runner, const core::TrialRequest& request, Observer& observer)
{
    const auto outcome = runner.run(request, observer);
    if (!outcome.ok())
        qFatal("%s", outcome.error().sentence().c_str());
    const core::Json& provenance = outcome.value().provenance;
    return {essence(outcome.value()), provenance.at("shared_steps").get<int>(),
            provenance.at("statistics").at("computed").get<int>(), observer.blocks,
            QByteArray::fromStdString(provenance.at("warnings").dump())};
}

Run run(engine::TrialRunner& runner, const core::TrialRequest& request)
{
    Observer observer;
    return run(runner, request, observer);
}

Run runAlone(int trial, const std::string& propagate, const QString& cache = {}, std::vector<int> shared = {})
{
    engine::TrialRunner runner(optionsFor(cache));
    return run(runner, request(trial, propagate, std::move(shared)));
}

/// The program run as a child: one trial whose first stage is shared.
int runChild(char** arguments)
{
    const auto what = static_cast<AtBlock>(std::atoi(arguments[3]));
    engine::TrialRunner runner(optionsFor(QString::fromLocal8Bit(arguments[0])));
    const int trial = std::atoi(arguments[1]);
    Observer observer(what, std::atoi(arguments[4]));
    const Run done =
        run(runner, request(trial, arguments[2], trial < 3 ? std::vector<int> {1} : std::vector<int>()), observer);
    std::printf("%s\n%d %d %d\n", done.essence.constData(), done.sharedStages, done.statisticsComputed, done.blocks);
    return 0;
}

std::unique_ptr<QProcess> start(const QString& cache, int trial, const char* propagate, AtBlock what, int block)
{
    auto process = std::make_unique<QProcess>();
    process->start(QCoreApplication::applicationFilePath(),
                   {QStringLiteral("--trial"), cache, QString::number(trial), QString::fromLatin1(propagate),
                    QString::number(int(what)), QString::number(block)});
    if (!process->waitForStarted())
        qFatal("the child does not start");
    return process;
}

void awaitLine(QProcess& process, const QByteArray& line)
{
    while (!process.canReadLine()) {
        if (!process.waitForReadyRead(60'000))
            qFatal("the child says nothing: %s", process.readAllStandardError().constData());
    }
    QCOMPARE(process.readLine().trimmed(), line);
}

void release(QProcess& process)
{
    process.write("\n");
    QVERIFY(process.waitForBytesWritten());
}

Run resultOf(QProcess& process)
{
    if (!process.waitForFinished(120'000) || process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0)
        qFatal("the child failed: %s", process.readAllStandardError().constData());
    const QList<QByteArray> lines = process.readAllStandardOutput().split('\n');
    const QList<QByteArray> numbers = lines.value(1).split(' ');
    return {lines.value(0), numbers.value(0).toInt(), numbers.value(1).toInt(), numbers.value(2).toInt(), {}};
}

QStringList prefixesIn(const QTemporaryDir& cache)
{
    QStringList found;
    QDirIterator files(cache.filePath(QStringLiteral("prefixes")), QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext())
        found << files.next();
    return found;
}

constexpr int kBlocks = 4; ///< of tiny-llama

} // namespace

class TstPrefixSharing : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalBeginningIsComputedOnce_data()
    {
        QTest::addColumn<QString>("propagate");
        QTest::addColumn<bool>("inMemory"); ///< one process without a cache; otherwise one process per trial
        for (const char* propagate : {"step", "block", "original"}) {
            QTest::addRow("%s, in memory", propagate) << QString::fromLatin1(propagate) << true;
            QTest::addRow("%s, in the cache", propagate) << QString::fromLatin1(propagate) << false;
        }
    }
    void equalBeginningIsComputedOnce()
    {
        QFETCH(QString, propagate);
        QFETCH(bool, inMemory);
        const std::string name = propagate.toStdString();
        const QTemporaryDir folder;
        const QString cache = inMemory ? QString() : folder.path();
        engine::TrialRunner warm(optionsFor(cache));
        for (int trial = 0; trial < 3; ++trial) {
            const std::vector<int> shared = trial < 2 ? std::vector<int> {1} : std::vector<int>();
            const Run together =
                inMemory ? run(warm, request(trial, name, shared)) : runAlone(trial, name, cache, shared);
            QCOMPARE(together.sharedStages, trial == 0 ? 0 : 1);
            QCOMPARE(together.blocks % kBlocks,
                     trial == 0 ? 1 : 0); // a stage without statistics also looks before them
            QCOMPARE(together.essence, runAlone(trial, name).essence);
        }
    }

    void nothingIsKeptUnasked()
    {
        const QTemporaryDir cache;
        engine::TrialRunner runner(optionsFor(cache.path()));
        QCOMPARE(run(runner, request(0, "step", {})).sharedStages, 0);
        QVERIFY(prefixesIn(cache).isEmpty());
        QCOMPARE(run(runner, request(1, "step", {})).sharedStages, 0);
    }

    void damagedBeginningIsComputedAgainAndTold()
    {
        const QTemporaryDir cache;
        runAlone(0, "step", cache.path(), {1});
        const QStringList kept = prefixesIn(cache);
        QCOMPARE(kept.size(), 1);
        QFile file(kept.first());
        QVERIFY(file.open(QIODevice::ReadWrite));
        QVERIFY(file.resize(file.size() - 1));
        file.close();
        const Run again = runAlone(1, "step", cache.path(), {1});
        QCOMPARE(again.sharedStages, 0);
        QCOMPARE(again.essence, runAlone(1, "step").essence);
        QVERIFY2(again.warnings.contains("a prefix in the cache was damaged"), again.warnings.constData());
        QCOMPARE(runAlone(2, "step", cache.path()).sharedStages, 1); // it was kept again
    }

    void killedProcessLeavesItsBeginningToOthers_data()
    {
        QTest::addColumn<int>("block"); ///< of both stages together, before which it is killed
        QTest::addColumn<int>("sharedStages");
        QTest::addRow("in the shared stage") << 2 << 0;
        QTest::addRow("in its own stage") << 7 << 1;
    }
    void killedProcessLeavesItsBeginningToOthers()
    {
        QFETCH(int, block);
        QFETCH(int, sharedStages);
        const QTemporaryDir cache;
        const auto killed = start(cache.path(), 1, "step", AtBlock::Kill, block);
        QVERIFY(killed->waitForFinished(120'000));
        QCOMPARE(killed->exitStatus(), QProcess::CrashExit);
        const Run other = runAlone(2, "step", cache.path(), {1});
        QCOMPARE(other.sharedStages, sharedStages);
        QCOMPARE(other.essence, runAlone(2, "step").essence);
        const Run again = runAlone(1, "step", cache.path());
        QCOMPARE(again.essence, runAlone(1, "step").essence);
    }

    void twoProcessesComputeABeginningOnce()
    {
        const QTemporaryDir cache;
        const auto first = start(cache.path(), 1, "step", AtBlock::Wait, 2);
        awaitLine(*first, "waiting"); // in the middle of the shared stage
        const auto second = start(cache.path(), 2, "step", AtBlock::Nothing, 0);
        release(*first);
        const Run one = resultOf(*first);
        const Run other = resultOf(*second);
        QCOMPARE(one.sharedStages, 0);
        QCOMPARE(other.sharedStages, 1);
        QCOMPARE(one.essence, runAlone(1, "step").essence);
        QCOMPARE(other.essence, runAlone(2, "step").essence);
    }

    void waitingForAnotherProcessIsTold_data()
    {
        QTest::addColumn<int>("first"); ///< trial of the process that is waited for
        QTest::addColumn<int>("second");
        QTest::addColumn<QString>("propagate");
        QTest::addRow("for a beginning") << 1 << 2 << QStringLiteral("step");
        QTest::addRow("for statistics") << 3 << 4 << QStringLiteral("original");
    }
    void waitingForAnotherProcessIsTold()
    {
        QFETCH(int, first);
        QFETCH(int, second);
        QFETCH(QString, propagate);
        const QTemporaryDir cache;
        const auto other = start(cache.path(), first, propagate.toUtf8().constData(), AtBlock::Wait, 2);
        awaitLine(*other, "waiting");
        engine::TrialRunner runner(optionsFor(cache.path()));
        Observer observer;
        observer.onWait = [&] { release(*other); }; // goes on only when told
        const std::vector<int> shared = second < 3 ? std::vector<int> {1} : std::vector<int>();
        const Run ours = run(runner, request(second, propagate.toStdString(), shared), observer);
        QVERIFY(observer.waits > 0);
        QCOMPARE(ours.essence, runAlone(second, propagate.toStdString()).essence);
        QCOMPARE(resultOf(*other).essence, runAlone(first, propagate.toStdString()).essence);
    }

    void aKilledHolderIsNotWaitedFor()
    {
        const QTemporaryDir cache;
        const auto first = start(cache.path(), 1, "step", AtBlock::Wait, 2);
        awaitLine(*first, "waiting");
        const auto second = start(cache.path(), 2, "step", AtBlock::Nothing, 0);
        ::kill(static_cast<pid_t>(first->processId()), SIGKILL);
        QVERIFY(first->waitForFinished());
        const Run other = resultOf(*second);
        QCOMPARE(other.sharedStages, 0);
        QCOMPARE(other.essence, runAlone(2, "step").essence);
    }

    void twoProcessesGatherStatisticsOnce_data()
    {
        QTest::addColumn<bool>("killed");
        QTest::addRow("the first one goes on") << false;
        QTest::addRow("the first one is killed") << true;
    }
    void twoProcessesGatherStatisticsOnce()
    {
        QFETCH(bool, killed);
        const QTemporaryDir cache;
        const auto first = start(cache.path(), 3, "original", AtBlock::Wait, 3); // blocks 0 and 1 are gathered
        awaitLine(*first, "waiting");
        const auto second = start(cache.path(), 4, "original", AtBlock::Nothing, 0);
        if (killed)
            ::kill(static_cast<pid_t>(first->processId()), SIGKILL);
        else
            release(*first);
        const Run other = resultOf(*second);
        const Run alone = runAlone(4, "original");
        QCOMPARE(other.essence, alone.essence);
        if (killed) {
            // It goes on gathering where the first one stopped.
            QVERIFY(other.statisticsComputed > 0 && other.statisticsComputed < alone.statisticsComputed);
            return;
        }
        QCOMPARE(other.statisticsComputed, 0);
        QCOMPARE(resultOf(*first).essence, runAlone(3, "original").essence);
    }
};

int main(int argc, char** argv)
{
    if (argc == 7 && std::strcmp(argv[1], "--trial") == 0)
        return runChild(argv + 2);
    QCoreApplication application(argc, argv);
    TstPrefixSharing test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_prefix_sharing.moc"
