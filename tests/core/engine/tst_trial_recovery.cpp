// SPDX-License-Identifier: Apache-2.0
// A process that is killed after every block of a trial, again and again, until the trial is finished.
#include "core/engine/trial_runner.h"
#include "core/sweep/sweep.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace paretoscope;

namespace {

const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;

/// Tells every block it is asked to begin, and kills its process instead of beginning one too many.
class Killer : public engine::TrialObserver
{
public:
    explicit Killer(int blocks)
        : m_left(blocks)
    {}
    void progressed(std::string_view phase, int done, int) override
    {
        if (phase != "compress")
            return;
        if (m_left-- == 0)
            ::kill(::getpid(), SIGKILL);
        std::printf("block %d\n", done);
        std::fflush(stdout);
    }
    bool isCancelled() const override { return false; }

private:
    int m_left;
};

core::TrialRequest request(const std::string& propagate)
{
    const auto plugins = core::PluginCatalogue::scan({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
    const std::string text =
        "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
        "  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 5, length: 96}\n"
        "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 96, windows: 3}\n"
        "pipelines:\n  - [rtn: {bits: 8, group_size: 64}, gptq: {bits: 3, group_size: 64, propagate: " +
        propagate + "}]\n";
    const core::Sweep sweep = core::parseSweep(text, kResources / "test.yaml", plugins).value();
    const auto identity = core::identifyWorkload(sweep.workload).value();
    const auto trial = core::planTrials(sweep, identity).at(0);
    return {trial.id, sweep.workload, identity, trial.pipeline, trial.seed, {0}};
}

/// What a user sees of a result, times and memory aside.
QByteArray essence(core::TrialOutcome outcome)
{
    core::Json essence = core::Json::array();
    for (const core::MetricRecord& metric : outcome.metrics) {
        if (metric.name != "peak_memory_bytes")
            essence.push_back(core::toJson(metric));
    }
    for (const core::LayerMetricRecord& record : outcome.layerMetrics)
        essence.push_back({record.module, record.layer, record.name, record.value.value_or(-1)});
    essence.push_back(outcome.provenance.at("warnings"));
    return QByteArray::fromStdString(essence.dump());
}

/// The program run as a child: one trial, killed before its block number `blocks` (from 0; -1: never).
int runTrial(const char* cache, int blocks, const char* propagate)
{
    engine::RunnerOptions options;
    options.threads = 1;
    options.cacheFolder = cache;
    options.pluginFolders = {PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"};
    options.architectures = kResources / "architectures";
    Killer killer(blocks);
    engine::TrialRunner runner(options);
    auto outcome = runner.run(request(propagate), killer);
    if (!outcome.ok()) {
        std::fprintf(stderr, "%s\n", outcome.error().sentence().c_str());
        return 1;
    }
    std::printf("%s\n", essence(std::move(outcome).value()).constData());
    return 0;
}

struct Run
{
    bool killed = false;
    QList<QByteArray> blocks;
    QByteArray result;
};

Run start(const QString& cache, int blocks, const QString& propagate)
{
    QProcess process;
    process.start(QCoreApplication::applicationFilePath(),
                  {QStringLiteral("--trial"), cache, QString::number(blocks), propagate});
    Run run;
    if (!process.waitForFinished(120'000))
        qFatal("the trial did not end");
    run.killed = process.exitStatus() == QProcess::CrashExit;
    for (const QByteArray& line : process.readAllStandardOutput().split('\n')) {
        if (line.startsWith("block "))
            run.blocks.push_back(line.mid(6));
        else if (!line.isEmpty())
            run.result = line;
    }
    if (!run.killed && process.exitCode() != 0)
        qWarning("%s", process.readAllStandardError().constData());
    return run;
}

bool isEmpty(const QString& folder)
{
    return QDir(folder).entryList(QDir::AllEntries | QDir::NoDotAndDotDot).isEmpty();
}

} // namespace

class TstTrialRecovery : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void killedAfterEveryBlock_data()
    {
        QTest::addColumn<QString>("propagate");
        QTest::addRow("step") << QStringLiteral("step");
        QTest::addRow("block") << QStringLiteral("block");
        QTest::addRow("original") << QStringLiteral("original");
    }
    void killedAfterEveryBlock()
    {
        QFETCH(QString, propagate);
        const QTemporaryDir undisturbedCache;
        const Run undisturbed = start(undisturbedCache.path(), -1, propagate);
        QVERIFY(!undisturbed.killed && !undisturbed.result.isEmpty());
        QVERIFY(isEmpty(undisturbedCache.filePath(QStringLiteral("trials"))));

        const QTemporaryDir cache;
        Run run;
        QList<QByteArray> begun;
        int processes = 0;
        do {
            run = start(cache.path(), 1, propagate);
            begun += run.blocks;
            ++processes;
        } while (run.killed && processes < 20);
        // Every block was begun once: a kill cost nothing that was done.
        QCOMPARE(begun, undisturbed.blocks);
        QCOMPARE(processes, int(undisturbed.blocks.size()));
        QCOMPARE(run.result, undisturbed.result);
        QVERIFY(isEmpty(cache.filePath(QStringLiteral("trials"))));
    }

    void damagedFilesCostOnlyWhatTheyHeld_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addRow("newest part") << QStringLiteral("part-6");
        QTest::addRow("activations") << QStringLiteral("states-6");
        QTest::addRow("first part") << QStringLiteral("part-0");
    }
    void damagedFilesCostOnlyWhatTheyHeld()
    {
        QFETCH(QString, file);
        const QTemporaryDir undisturbedCache;
        const Run undisturbed = start(undisturbedCache.path(), -1, QStringLiteral("step"));
        const QTemporaryDir cache;
        QVERIFY(start(cache.path(), 7, QStringLiteral("step")).killed);
        QDir trials(cache.filePath(QStringLiteral("trials")));
        const QString folder = trials.filePath(trials.entryList(QDir::Dirs | QDir::NoDotAndDotDot).value(0));
        QFile damaged(folder + QLatin1Char('/') + file);
        QVERIFY2(damaged.open(QIODevice::ReadWrite), qPrintable(damaged.fileName()));
        damaged.seek(damaged.size() / 2);
        damaged.putChar('?');
        damaged.close();
        const Run run = start(cache.path(), -1, QStringLiteral("step"));
        QCOMPARE(run.result, undisturbed.result);
    }
};

int main(int argc, char** argv)
{
    if (argc == 5 && std::strcmp(argv[1], "--trial") == 0)
        return runTrial(argv[2], std::atoi(argv[3]), argv[4]);
    QCoreApplication application(argc, argv);
    TstTrialRecovery test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_trial_recovery.moc"
