// SPDX-License-Identifier: Apache-2.0
// A process that is killed after every block of a trial, again and again, until the trial is finished.
#include "core/engine/trial_runner.h"
#include "core/sweep/sweep.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
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
        "pipelines:\n  - [rtn: {bits: 8, group_size: 64, include: ['*.o_proj']}, gptq: {bits: 3, group_size: 64, exclude: ['*.o_proj'], propagate: " +
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
    for (const core::LayerMetricRecord& record : outcome.layerMetrics) {
        if (!record.name.ends_with("seconds"))
            essence.push_back({record.module, record.layer, record.name, record.value.value_or(-1)});
    }
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
        QTest::addColumn<int>("lostBlocks"); ///< begun again; -1: its own blocks pass again, none is compressed again
        QTest::addColumn<int>("length");     ///< in eighths of the file's
        QTest::addColumn<int>("flipped");    ///< byte with a wrong bit, in eighths; -1: none
        const std::pair<const char*, int> files[] {{"part-6", 1}, {"states-6", -1}, {"part-0", kBlocksBeforeKill}};
        for (const auto& [file, lostBlocks] : files) {
            for (const int length : {0, 1, 4, 7})
                QTest::addRow("%s cut to %d/8", file, length)
                    << QString::fromLatin1(file) << lostBlocks << length << -1;
            for (const int flipped : {0, 3, 8})
                QTest::addRow("%s, bit at %d/8", file, flipped)
                    << QString::fromLatin1(file) << lostBlocks << 8 << flipped;
        }
    }
    void damagedFilesCostOnlyWhatTheyHeld()
    {
        QFETCH(QString, file);
        QFETCH(int, lostBlocks);
        QFETCH(int, length);
        QFETCH(int, flipped);
        const Interrupted& interrupted = afterSevenBlocks();
        const QTemporaryDir cache;
        std::filesystem::copy(interrupted.cache->path().toStdString(), cache.path().toStdString(),
                              std::filesystem::copy_options::recursive);
        QDir trials(cache.filePath(QStringLiteral("trials")));
        const QString folder = trials.filePath(trials.entryList(QDir::Dirs | QDir::NoDotAndDotDot).value(0));
        damage(folder + QLatin1Char('/') + file, length, flipped);

        const Run run = start(cache.path(), -1, QStringLiteral("step"));
        if (lostBlocks >= 0)
            QCOMPARE(run.blocks, interrupted.undisturbed.blocks.mid(kBlocksBeforeKill - lostBlocks));
        auto result = core::Json::parse(run.result.toStdString());
        auto& warnings = result.back().get_ref<core::Json::array_t&>();
        const auto told = std::find_if(warnings.begin(), warnings.end(), [&](const core::Json& warning) {
            return warning.get<std::string>().find(file.toStdString() + " was missing or damaged") != std::string::npos;
        });
        QVERIFY2(told != warnings.end(), run.result.constData());
        warnings.erase(told);
        QCOMPARE(QByteArray::fromStdString(result.dump()), interrupted.undisturbed.result);
        QVERIFY(isEmpty(cache.filePath(QStringLiteral("trials"))));
    }

private:
    static constexpr int kBlocksBeforeKill = 7;

    /// A trial that was killed after seven blocks, and how it would have gone.
    struct Interrupted
    {
        Run undisturbed;
        std::unique_ptr<QTemporaryDir> cache;
    };
    static const Interrupted& afterSevenBlocks()
    {
        static const Interrupted interrupted = [] {
            const QTemporaryDir undisturbedCache;
            Interrupted made {start(undisturbedCache.path(), -1, QStringLiteral("step")),
                              std::make_unique<QTemporaryDir>()};
            if (!start(made.cache->path(), kBlocksBeforeKill, QStringLiteral("step")).killed)
                qFatal("the trial was over before it was killed");
            return made;
        }();
        return interrupted;
    }

    static void damage(const QString& path, int lengthInEighths, int flippedInEighths)
    {
        QFile file(path);
        QVERIFY2(file.open(QIODevice::ReadWrite), qPrintable(path));
        const qint64 size = file.size();
        if (flippedInEighths >= 0) {
            const qint64 place = qMin(size * flippedInEighths / 8, size - 1);
            char byte = 0;
            file.seek(place);
            QVERIFY(file.getChar(&byte));
            file.seek(place);
            file.putChar(static_cast<char>(byte ^ 1));
        }
        QVERIFY(file.resize(size * lengthInEighths / 8));
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
