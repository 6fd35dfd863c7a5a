// SPDX-License-Identifier: Apache-2.0
#include "jobs/evaluation.h"

#include "tests/jobs/processes.h"

#include <QSignalSpy>
#include <QtTest>

using namespace paretoscope;
using namespace std::chrono_literals;
using core::Json;
using jobs::EvaluationRunner;

namespace {

constexpr int kWait = 20'000;

jobs::WorkerSettings settings()
{
    jobs::WorkerSettings settings;
    settings.program = PARETOSCOPE_FAKE_WORKER;
    settings.threads = 2;
    settings.timings.cancelGrace = 1s;
    settings.timings.terminateGrace = 300ms;
    settings.timings.heartbeat = 50ms;
    return settings;
}

} // namespace

class TstEvaluation : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void cleanup()
    {
        qunsetenv("PARETOSCOPE_FAKE");
        QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty());
    }

    void documentArrives()
    {
        EvaluationRunner runner(settings());
        QSignalSpy succeeded(&runner, &EvaluationRunner::succeeded);
        QSignalSpy failed(&runner, &EvaluationRunner::failed);
        QSignalSpy progressed(&runner, &EvaluationRunner::progressed);
        runner.start("evaluate", {{"model", "m"}, {"ms", 20}});
        QVERIFY(succeeded.isEmpty() && failed.isEmpty());
        QVERIFY(succeeded.wait(kWait));
        QCOMPARE(succeeded.count(), 1);
        QVERIFY(failed.isEmpty() && !progressed.isEmpty());
        const auto document = succeeded[0][0].value<Json>();
        QCOMPARE(document.at("echo").at("model"), Json("m"));
        QCOMPARE(document.at("threads"), Json(2));
        QVERIFY(!tests::isAlive(document.at("pid").get<qint64>()));
    }

    void errorArrives_data()
    {
        QTest::addColumn<QByteArray>("fake");
        QTest::addColumn<Json>("request");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addColumn<std::string>("told");
        const auto row = [](const char* tag, const char* fake, Json request, core::ErrorCode code, const char* told) {
            QTest::addRow("%s", tag) << QByteArray(fake) << std::move(request) << code << std::string(told);
        };
        using core::ErrorCode;
        row("the worker's own", "", {{"do", "fail"}, {"code", "NotFound"}}, ErrorCode::NotFound, "layer 3");
        row("crash", "", {{"do", "abort"}}, ErrorCode::Io, "signal 6");
        row("exit before hello", "exit", Json::object(), ErrorCode::Io, "libexample.so.3");
        row("foreign version", "version", Json::object(), ErrorCode::Unsupported, "version 99");
    }
    void errorArrives()
    {
        QFETCH(QByteArray, fake);
        QFETCH(Json, request);
        QFETCH(core::ErrorCode, code);
        QFETCH(std::string, told);
        if (!fake.isEmpty())
            qputenv("PARETOSCOPE_FAKE", fake);
        EvaluationRunner runner(settings());
        QSignalSpy failed(&runner, &EvaluationRunner::failed);
        runner.start("evaluate", request);
        QVERIFY(failed.wait(kWait));
        const auto error = failed[0][0].value<core::Error>();
        QCOMPARE(error.code, code);
        QVERIFY2(error.message.find(told) != std::string::npos, error.message.c_str());
    }

    void badSettingsAreErrors_data()
    {
        QTest::addColumn<std::string>("program");
        QTest::addColumn<std::string>("device");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addRow("no program") << std::string("/nonexistent") << std::string("cpu") << core::ErrorCode::NotFound;
        QTest::addRow("device") << std::string(PARETOSCOPE_FAKE_WORKER) << std::string("gpu")
                                << core::ErrorCode::InvalidArgument;
        QTest::addRow("device number") << std::string(PARETOSCOPE_FAKE_WORKER) << std::string("cuda:x")
                                       << core::ErrorCode::InvalidArgument;
    }
    void badSettingsAreErrors()
    {
        QFETCH(std::string, program);
        QFETCH(std::string, device);
        QFETCH(core::ErrorCode, code);
        auto how = settings();
        how.program = program;
        how.device = device;
        EvaluationRunner runner(how);
        QSignalSpy failed(&runner, &EvaluationRunner::failed);
        runner.start("evaluate", Json::object());
        QVERIFY(failed.wait(kWait));
        QCOMPARE(failed[0][0].value<core::Error>().code, code);
    }

    void stopEnds_data()
    {
        QTest::addColumn<std::string>("how");
        QTest::addColumn<int>("times");
        QTest::addRow("listens") << std::string("slow") << 1;
        QTest::addRow("does not listen") << std::string("deaf") << 1;
        QTest::addRow("second stop") << std::string("hang") << 2;
    }
    void stopEnds()
    {
        QFETCH(std::string, how);
        QFETCH(int, times);
        EvaluationRunner runner(settings());
        QSignalSpy failed(&runner, &EvaluationRunner::failed);
        QSignalSpy progressed(&runner, &EvaluationRunner::progressed);
        runner.start("evaluate", {{"do", how}, {"ms", 60'000}});
        QVERIFY(progressed.wait(kWait));
        for (int i = 0; i < times; ++i)
            runner.stop();
        QVERIFY(failed.wait(kWait));
        QCOMPARE(failed[0][0].value<core::Error>().code, core::ErrorCode::Cancelled);
    }

    void stopBeforeTheWorkerIsThere()
    {
        EvaluationRunner runner(settings());
        QSignalSpy failed(&runner, &EvaluationRunner::failed);
        runner.start("evaluate", Json::object());
        runner.stop();
        QVERIFY(failed.wait(kWait));
        QCOMPARE(failed[0][0].value<core::Error>().code, core::ErrorCode::Cancelled);
    }

    void describeTellsOfTheBuild()
    {
        const auto description = jobs::describeWorker(PARETOSCOPE_FAKE_WORKER);
        QVERIFY(description.ok());
        QCOMPARE(description.value().at("libtorch"), Json("none"));
    }

    void describeTellsWhatIsWrong_data()
    {
        QTest::addColumn<QByteArray>("fake");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addColumn<std::string>("told");
        QTest::addRow("library missing") << QByteArray("exit") << core::ErrorCode::Io << std::string("libexample.so.3");
        QTest::addRow("silent") << QByteArray("silent") << core::ErrorCode::Io << std::string("no answer");
        QTest::addRow("no JSON") << QByteArray("rubbish") << core::ErrorCode::Corrupt << std::string("JSON");
    }
    void describeTellsWhatIsWrong()
    {
        QFETCH(QByteArray, fake);
        QFETCH(core::ErrorCode, code);
        QFETCH(std::string, told);
        qputenv("PARETOSCOPE_FAKE", fake);
        const auto description = jobs::describeWorker(PARETOSCOPE_FAKE_WORKER, 1s);
        QVERIFY(!description.ok());
        QCOMPARE(description.error().code, code);
        QVERIFY2(description.error().message.find(told) != std::string::npos, description.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstEvaluation)
#include "tst_evaluation.moc"
