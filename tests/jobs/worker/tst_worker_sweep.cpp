// SPDX-License-Identifier: Apache-2.0
// The demo sweep, made small, on real workers with real plugins.
#include "jobs/sweep_runner.h"

#include "core/base/installation.h"
#include "tests/jobs/processes.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include <map>
#include <memory>

using namespace paretoscope;
using jobs::SweepRunner;
using jobs::SweepSummary;

namespace {

constexpr int kWait = 240'000;

core::Result<core::Sweep> smallDemo()
{
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    return core::readSweep(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml", plugins,
                           {"workload.calibration.samples=2", "workload.calibration.length=64",
                            "workload.evaluate.perplexity.windows=2", "workload.evaluate.perplexity.length=64"});
}

} // namespace

class TstWorkerSweep : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void cleanup() { QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_WORKER)).isEmpty()); }

    void metricsDoNotDependOnTheNumberOfWorkers()
    {
        std::vector<std::map<std::string, core::TrialRecord>> results;
        for (const int workers : {1, 2}) {
            const auto summary = run(QString::number(workers), workers);
            QVERIFY2(!summary.error, summary.error ? summary.error->message.c_str() : "");
            QCOMPARE(summary.failed, 0);
            QCOMPARE(summary.done, 12);
            results.push_back(stored());
        }
        QCOMPARE(results[0].size(), std::size_t(12));
        for (const auto& [id, record] : results[0]) {
            const auto& other = results[1].at(id);
            for (const char* metric : {"perplexity", "stored_bytes"}) {
                QVERIFY2(record.metric(metric) && other.metric(metric), metric);
                QVERIFY2(record.metric(metric)->value == other.metric(metric)->value, record.label.c_str());
            }
        }
        const auto again = run(QStringLiteral("2"), 2);
        QCOMPARE(again.skipped, 12);
        QCOMPARE(again.done, 0);
    }

    void stopIsHeardWithinATrial()
    {
        QVERIFY(open(QStringLiteral("stopped"), 1));
        QSignalSpy progressed(m_runner.get(), &SweepRunner::trialProgressed);
        QSignalSpy finished(m_runner.get(), &SweepRunner::finished);
        m_runner->start();
        QVERIFY(progressed.wait(kWait));
        m_runner->stop();
        QVERIFY(finished.wait(kWait));
        const auto summary = finished[0][0].value<SweepSummary>();
        QVERIFY(summary.stopped);
        QCOMPARE(summary.done + summary.interrupted, 12);
        QVERIFY(summary.interrupted > 0);
        m_runner.reset();
        QCOMPARE(run(QStringLiteral("stopped"), 2).done, summary.interrupted);
    }

private:
    bool open(const QString& name, int workers)
    {
        m_runner.reset(); // one at a time may write a project
        auto sweep = smallDemo();
        auto store = core::ProjectStore::open(m_folder.filePath(name + QStringLiteral(".pscope")).toStdString(),
                                              core::OpenMode::Create);
        if (!sweep.ok() || !store.ok())
            return false;
        jobs::SweepOptions options;
        options.jobs = workers;
        options.threads = 1;
        options.cache = m_folder.filePath(QStringLiteral("cache-") + name).toStdString();
        options.worker = PARETOSCOPE_WORKER;
        m_runner = std::make_unique<SweepRunner>(std::move(sweep).value(), std::move(store).value(), options);
        const auto prepared = m_runner->prepare();
        if (!prepared.ok())
            qWarning("%s", prepared.error().sentence().c_str());
        return prepared.ok();
    }

    SweepSummary run(const QString& name, int workers)
    {
        SweepSummary summary;
        summary.error = core::Error {core::ErrorCode::NotFound, "the sweep did not run", ""};
        if (!open(name, workers))
            return summary;
        QSignalSpy finished(m_runner.get(), &SweepRunner::finished);
        m_runner->start();
        if (finished.wait(kWait))
            summary = finished[0][0].value<SweepSummary>();
        return summary;
    }

    std::map<std::string, core::TrialRecord> stored()
    {
        std::map<std::string, core::TrialRecord> byId;
        const auto trials = m_runner->store().trials().value();
        for (const core::TrialRecord& record : trials)
            byId[record.id.hex()] = record;
        return byId;
    }

    QTemporaryDir m_folder;
    std::unique_ptr<SweepRunner> m_runner;
};

QTEST_GUILESS_MAIN(TstWorkerSweep)
#include "tst_worker_sweep.moc"
