// SPDX-License-Identifier: Apache-2.0
// The real worker with the real engine, from outside.
#include "jobs/evaluation.h"
#include "jobs/worker_process.h"

#include "tests/jobs/processes.h"

#include <QProcess>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using core::Json;

namespace {

constexpr int kWait = 120'000;

QString program()
{
    return QString::fromLatin1(PARETOSCOPE_WORKER);
}

jobs::WorkerSettings settings(const QTemporaryDir& cache)
{
    jobs::WorkerSettings settings;
    settings.program = PARETOSCOPE_WORKER;
    settings.threads = 1;
    settings.device = "cpu";
    settings.cache = cache.path().toStdString();
    return settings;
}

Json perplexityOf(const std::string& model)
{
    return {
        {"model", model},
        {"metrics",
         {{{"name", "perplexity"},
           {"options",
            {{"corpus", PARETOSCOPE_RESOURCES "/demo/corpora/wiki.test.tokens"}, {"length", 64}, {"windows", 2}}}}}}};
}

} // namespace

class TstWorkerProgram : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void optionsAnswer_data()
    {
        QTest::addColumn<QString>("option");
        QTest::addColumn<int>("status");
        QTest::addColumn<QByteArray>("told");
        QTest::addRow("help") << QStringLiteral("--help") << 0 << QByteArray("--describe");
        QTest::addRow("version") << QStringLiteral("--version") << 0 << QByteArray("paretoscope-worker ");
        QTest::addRow("unknown") << QStringLiteral("--bogus") << 2 << QByteArray("--bogus");
        QTest::addRow("bad level") << QStringLiteral("--log-level=loud") << 2 << QByteArray("loud");
    }
    void optionsAnswer()
    {
        QFETCH(QString, option);
        QFETCH(int, status);
        QFETCH(QByteArray, told);
        QProcess worker;
        worker.setProcessChannelMode(QProcess::MergedChannels);
        worker.start(program(), {option});
        QVERIFY(worker.waitForFinished(kWait));
        QCOMPARE(worker.exitCode(), status);
        const QByteArray output = worker.readAll();
        QVERIFY2(output.contains(told), output.constData());
    }

    void describeTellsOfLibtorchAndDevices()
    {
        const auto description = jobs::describeWorker(PARETOSCOPE_WORKER);
        QVERIFY2(description.ok(), description.ok() ? "" : description.error().message.c_str());
        QVERIFY(description.value().at("libtorch").is_string());
        QVERIFY(!description.value().at("devices").empty());
    }

    void endsWithItsInput()
    {
        QProcess worker;
        worker.start(program(), {});
        worker.closeWriteChannel();
        QVERIFY(worker.waitForFinished(kWait));
        QCOMPARE(worker.exitCode(), 0);
        QCOMPARE(worker.readAllStandardOutput(), QByteArray()); // the log goes elsewhere
    }

    void helloTellsWhoItIs()
    {
        const QTemporaryDir cache;
        jobs::WorkerProcess worker(0, settings(cache), PARETOSCOPE_WORKER);
        QSignalSpy ready(&worker, &jobs::WorkerProcess::ready);
        QSignalSpy ended(&worker, &jobs::WorkerProcess::ended);
        worker.start();
        QVERIFY(ready.wait(kWait));
        QVERIFY(!worker.hello().libtorch.empty());
        QVERIFY(!worker.hello().build.empty());
        QCOMPARE(worker.hello().threads, 1);
        QCOMPARE(qint64(worker.hello().pid), worker.processId());
        worker.shutdown();
        QVERIFY(ended.wait(kWait));
    }

    void evaluationArrives()
    {
        const QTemporaryDir cache;
        jobs::EvaluationRunner runner(settings(cache));
        QSignalSpy succeeded(&runner, &jobs::EvaluationRunner::succeeded);
        QSignalSpy failed(&runner, &jobs::EvaluationRunner::failed);
        runner.start("evaluate", perplexityOf(PARETOSCOPE_RESOURCES "/models/tiny-llama"));
        QTRY_VERIFY_WITH_TIMEOUT(!succeeded.isEmpty() || !failed.isEmpty(), kWait);
        QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : failed[0][0].value<core::Error>().message.c_str());
        const auto document = succeeded[0][0].value<Json>();
        const Json& metric = document.at("metrics").at(0);
        QCOMPARE(metric.at("name"), Json("perplexity"));
        QVERIFY(metric.at("value").get<double>() > 1);
    }

    void missingModelIsItsOwnError()
    {
        const QTemporaryDir cache;
        jobs::EvaluationRunner runner(settings(cache));
        QSignalSpy failed(&runner, &jobs::EvaluationRunner::failed);
        runner.start("evaluate", perplexityOf("/nonexistent/model"));
        QVERIFY(failed.wait(kWait));
        const auto error = failed[0][0].value<core::Error>();
        QCOMPARE(error.code, core::ErrorCode::NotFound);
        QVERIFY2(error.message.find("/nonexistent/model") != std::string::npos, error.message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstWorkerProgram)
#include "tst_worker_program.moc"
