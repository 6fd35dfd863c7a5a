// SPDX-License-Identifier: Apache-2.0
// The real worker is killed after each block of a GPTQ trial; the next one goes on with the block that was in hand.
#include "jobs/worker_process.h"

#include "core/base/installation.h"
#include "core/sweep/trial_exchange.h"
#include "tests/jobs/processes.h"

#include <QDir>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using core::Json;

namespace {

constexpr int kWait = 240'000;
constexpr int kBlocks = 4; ///< of the tiny model; the evaluation begins after them
constexpr int kNever = 1'000;

/// Blocks take longer than the 50 ms in which a worker tells of progress once.
Json gptqTrial(int attempt)
{
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    const auto sweep =
        core::readSweep(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml", plugins,
                        {"pipelines=[[{gptq: {bits: 3, group_size: 64}}]]", "workload.evaluate.perplexity.windows=3",
                         "workload.evaluate.perplexity.length=96"});
    if (!sweep.ok())
        qFatal("%s", sweep.error().sentence().c_str());
    const auto identity = core::identifyWorkload(sweep.value().workload).value();
    const auto trial = core::planTrials(sweep.value(), identity).at(0);
    return core::toJson(
        core::TrialRequest {trial.id, sweep.value().workload, identity, trial.pipeline, trial.seed, {0}, attempt});
}

/// What a user sees of a result, times and memory aside.
QByteArray essence(const Json& result)
{
    Json kept = result;
    kept.erase("seconds");
    kept["provenance"] = result.at("provenance").at("warnings");
    std::erase_if(kept["layer_metrics"].get_ref<Json::array_t&>(),
                  [](const Json& metric) { return metric.at("name").get<std::string>().ends_with("seconds"); });
    std::erase_if(kept["metrics"].get_ref<Json::array_t&>(),
                  [](const Json& metric) { return metric.at("name") == "peak_memory_bytes"; });
    return QByteArray::fromStdString(kept.dump());
}

struct Run
{
    QList<int> begun; ///< blocks in the order told; kBlocks: the evaluation
    bool killed = false;
    QByteArray result; ///< empty when killed
};

/// One worker on the trial, killed with its first word of block `last` or a later one.
Run work(const QTemporaryDir& cache, int last, int attempt)
{
    jobs::WorkerSettings settings;
    settings.program = PARETOSCOPE_WORKER;
    settings.threads = 1;
    settings.device = "cpu";
    settings.cache = cache.path().toStdString();
    jobs::WorkerProcess worker(0, settings, PARETOSCOPE_WORKER);
    Run run;
    bool isOver = false;
    QObject::connect(&worker, &jobs::WorkerProcess::ready, [&] { worker.run("run_trial", gptqTrial(attempt)); });
    QObject::connect(&worker, &jobs::WorkerProcess::taskProgressed, [&](const QString& phase, int done, int) {
        if (run.killed || (phase != QStringLiteral("compress") && phase != QStringLiteral("evaluate")))
            return;
        run.begun << (phase == QStringLiteral("compress") ? done : kBlocks);
        run.killed = run.begun.last() >= last;
        if (run.killed)
            ::kill(static_cast<pid_t>(worker.processId()), SIGKILL);
    });
    QObject::connect(&worker, &jobs::WorkerProcess::taskDone, [&](const Json& result) {
        run.result = essence(result);
        worker.shutdown();
    });
    QObject::connect(&worker, &jobs::WorkerProcess::taskFailed, [&](const core::Error& error) {
        qWarning("%s", error.sentence().c_str());
        worker.shutdown();
    });
    QObject::connect(&worker, &jobs::WorkerProcess::ended, [&] { isOver = true; });
    worker.start();
    if (!QTest::qWaitFor([&] { return isOver; }, kWait))
        qWarning("the worker did not end");
    if (run.killed)
        run.result.clear(); // of a trial that was over before the signal came
    return run;
}

} // namespace

class TstWorkerResume : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        const QTemporaryDir cache;
        m_undisturbed = work(cache, kNever, 1);
        QVERIFY(!m_undisturbed.killed && !m_undisturbed.result.isEmpty());
        QCOMPARE(m_undisturbed.begun.first(), 0);
        QVERIFY(trialsIn(cache).isEmpty());
    }
    void cleanup() { QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_WORKER)).isEmpty()); }

    void killedOnce_data()
    {
        QTest::addColumn<int>("block");
        for (int block = 0; block < kBlocks; ++block)
            QTest::addRow("in block %d", block) << block;
        QTest::addRow("in the evaluation") << kBlocks;
    }
    void killedOnce()
    {
        QFETCH(int, block);
        const QTemporaryDir cache;
        const Run first = work(cache, block, 1);
        QVERIFY(first.killed);
        const Run second = work(cache, kNever, 2); // as the pool has it: with as little memory as it can
        QVERIFY(!second.killed);
        // A block that was begun is one whose predecessors are done: none of those again.
        QVERIFY2(second.begun.first() >= first.begun.last(), qPrintable(QString::number(second.begun.first())));
        QCOMPARE(second.result, m_undisturbed.result);
        QVERIFY(trialsIn(cache).isEmpty());
    }

    void killedTimeAndAgain()
    {
        const QTemporaryDir cache;
        int last = 0;
        int kills = 0;
        Run run;
        do { // each one is killed with the block after the one in which its predecessor was
            run = work(cache, last + 1, kills > 0 ? 2 : 1);
            QVERIFY(!run.begun.isEmpty());
            QVERIFY2(run.begun.first() >= last, qPrintable(QString::number(run.begun.first())));
            last = run.begun.last();
            kills += run.killed ? 1 : 0;
        } while (run.killed && kills < 20);
        QVERIFY(kills > 0 && kills <= kBlocks);
        QCOMPARE(run.result, m_undisturbed.result);
        QVERIFY(trialsIn(cache).isEmpty());
    }

private:
    static QStringList trialsIn(const QTemporaryDir& cache)
    {
        return QDir(cache.filePath(QStringLiteral("trials"))).entryList(QDir::AllEntries | QDir::NoDotAndDotDot);
    }

    Run m_undisturbed;
};

QTEST_GUILESS_MAIN(TstWorkerResume)
#include "tst_worker_resume.moc"
