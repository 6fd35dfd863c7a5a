// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker_pool.h"

#include "tests/jobs/processes.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <memory>
#include <set>

#include <sys/resource.h>

using namespace paretoscope;
using namespace std::chrono_literals;
using core::Json;
using jobs::WorkerLoss;
using jobs::WorkerPool;

namespace {

constexpr int kWait = 20'000;

jobs::WorkerSettings settings()
{
    jobs::WorkerSettings settings;
    settings.program = PARETOSCOPE_FAKE_WORKER;
    settings.cache = "/nonexistent";
    settings.timings = {.heartbeat = 50ms,
                        .silence = 3s,
                        .start = 5s,
                        .stall = 60s,
                        .cancelGrace = 1s,
                        .terminateGrace = 300ms,
                        .backOff = 10ms};
    return settings;
}

/// A pool that keeps what it is told.
struct Recorded
{
    explicit Recorded(jobs::WorkerSettings how = settings(), int workers = 1, int wanted = 1)
        : pool(std::move(how), {"cpu"}, workers)
    {
        QObject::connect(&pool, &WorkerPool::workerIdle, &pool, [this](int worker) {
            idle.push_back(worker);
            for (const qint64 pid : pool.processIds())
                seen.insert(pid);
        });
        QObject::connect(&pool, &WorkerPool::taskDone, &pool,
                         [this](int, const Json& result) { done.push_back(result); });
        QObject::connect(&pool, &WorkerPool::taskFailed, &pool,
                         [this](int, const core::Error& error) { failed.push_back(error); });
        QObject::connect(&pool, &WorkerPool::workerLost, &pool, [this](int, const WorkerLoss& loss, bool hadTask) {
            lost.push_back(loss);
            lostTasks += hadTask ? 1 : 0;
        });
        QObject::connect(&pool, &WorkerPool::exhausted, &pool,
                         [this](const core::Error& error) { exhausted.push_back(error); });
        QObject::connect(&pool, &WorkerPool::closed, &pool, [this] { ++closed; });
        started = pool.start(wanted).ok();
    }

    bool waitIdle(std::size_t count = 1)
    {
        return QTest::qWaitFor([&] { return idle.size() >= count; }, kWait);
    }
    bool waitOutcome()
    {
        return QTest::qWaitFor([&] { return !done.empty() || !failed.empty() || !lost.empty(); }, kWait);
    }
    bool close()
    {
        pool.shutdown();
        return QTest::qWaitFor([&] { return closed == 1; }, kWait);
    }
    bool nothingLeft() const { return std::none_of(seen.begin(), seen.end(), tests::isAlive); }

    WorkerPool pool;
    bool started = false;
    std::vector<int> idle;
    std::vector<Json> done;
    std::vector<core::Error> failed;
    std::vector<WorkerLoss> lost;
    std::vector<core::Error> exhausted;
    int lostTasks = 0;
    int closed = 0;
    std::set<qint64> seen;
};

std::string joined(const QStringList& lines)
{
    return lines.join(QLatin1Char('\n')).toStdString();
}

} // namespace

class TstWorkerPool : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void cleanup()
    {
        qunsetenv("PARETOSCOPE_FAKE");
        const QString program = QString::fromLatin1(PARETOSCOPE_FAKE_WORKER);
        QTRY_VERIFY(tests::processesOf(program).isEmpty());
    }

    void taskOnALiveWorker_data()
    {
        QTest::addColumn<Json>("request");
        QTest::addColumn<std::string>("code"); // "" = done
        QTest::addRow("finish") << Json {{"do", "finish"}} << std::string();
        QTest::addRow("prints to stdout") << Json {{"do", "print"}} << std::string();
        QTest::addRow("floods with progress") << Json {{"do", "flood"}} << std::string();
        QTest::addRow("result beyond the limit") << Json {{"do", "big"}} << std::string("InvalidArgument");
        for (const char* code : {"InvalidArgument", "NotFound", "Io", "Corrupt", "Busy", "OutOfMemory", "Numerical",
                                 "Cancelled", "Unsupported"})
            QTest::addRow("fails with %s", code) << Json {{"do", "fail"}, {"code", code}} << std::string(code);
        QTest::addRow("throws bad_alloc")
            << Json {{"do", "throw"}, {"code", "bad_alloc"}} << std::string("OutOfMemory");
        QTest::addRow("throws runtime_error") << Json {{"do", "throw"}} << std::string("Unsupported");
        QTest::addRow("throws an int") << Json {{"do", "throw"}, {"code", "int"}} << std::string("Unsupported");
    }
    void taskOnALiveWorker()
    {
        QFETCH(Json, request);
        QFETCH(std::string, code);
        Recorded r;
        QVERIFY(r.started && r.waitIdle());
        r.pool.run(0, "evaluate", request);
        QVERIFY(r.waitOutcome());
        QVERIFY(r.lost.empty());
        if (code.empty()) {
            QCOMPARE(r.done.size(), std::size_t(1));
            QCOMPARE(r.done[0].at("echo"), request);
        } else {
            QCOMPARE(r.failed.size(), std::size_t(1));
            QCOMPARE(std::string(core::errorCodeName(r.failed[0].code)), code);
        }
        QVERIFY(r.waitIdle(2)); // ready for the next
        r.pool.run(0, "evaluate", Json::object());
        QTRY_VERIFY(!r.done.empty() && r.done.back().at("echo").empty());
        QVERIFY(r.close());
        QCOMPARE(r.seen.size(), std::size_t(1)); // one and the same process
        QVERIFY(r.nothingLeft());
    }

    void taskLosesItsWorker_data()
    {
        QTest::addColumn<Json>("request");
        QTest::addColumn<int>("kind");
        QTest::addColumn<std::string>("told");
        const auto row = [](const char* tag, Json request, jobs::LossKind kind, const char* told) {
            QTest::addRow("%s", tag) << std::move(request) << int(kind) << std::string(told);
        };
        using jobs::LossKind;
        row("aborts", {{"do", "abort"}}, LossKind::Crashed, "signal 6");
        row("segmentation fault", {{"do", "segv"}}, LossKind::Crashed, "signal 11");
        row("killed", {{"do", "kill"}}, LossKind::Crashed, "signal 9");
        row("exits", {{"do", "exit"}, {"code", 41}}, LossKind::Exited, "status 41");
        row("exits with 0", {{"do", "exit"}, {"code", 0}}, LossKind::Exited, "status 0");
        row("stops beating", {{"do", "stop"}}, LossKind::Silent, "3 s");
        row("prints into the protocol", {{"do", "rubbish"}}, LossKind::Broken, "Loading weights: 12%");
        row("torn frame", {{"do", "torn"}}, LossKind::Exited, "middle of a message");
        row("frame beyond the limit", {{"do", "huge"}}, LossKind::Broken, "longer than the limit");
        row("leaves a child behind", {{"do", "orphan"}}, LossKind::Crashed, "signal 6");
    }
    void taskLosesItsWorker()
    {
        QFETCH(Json, request);
        QFETCH(int, kind);
        QFETCH(std::string, told);
        request["log"] = 300;
        Recorded r;
        QVERIFY(r.started && r.waitIdle());
        r.pool.run(0, "evaluate", request);
        QVERIFY(r.waitOutcome());
        QVERIFY(r.done.empty() && r.failed.empty());
        QCOMPARE(r.lostTasks, 1);
        const WorkerLoss& loss = r.lost.front();
        QCOMPARE(int(loss.kind), kind);
        QVERIFY2(loss.error.message.find(told) != std::string::npos, loss.error.message.c_str());
        QVERIFY2(loss.error.message.find("worker 0") != std::string::npos, loss.error.message.c_str());
        QVERIFY(!loss.error.hint.empty());
        QVERIFY(loss.log.size() >= 100 && loss.log.size() <= jobs::LogTail::kMaxLines + 1);
        QVERIFY(joined(loss.log).find("line 299") != std::string::npos);

        QVERIFY(r.waitIdle(2)); // a new one took its place
        r.pool.run(0, "evaluate", Json::object());
        QTRY_COMPARE_WITH_TIMEOUT(r.done.size(), std::size_t(1), kWait);
        QVERIFY(r.close());
        QCOMPARE(r.seen.size(), std::size_t(2));
        QVERIFY(r.nothingLeft());
    }

    void hangingTaskIsNoticed()
    {
        auto how = settings();
        how.timings.stall = 700ms;
        Recorded r(how);
        QVERIFY(r.waitIdle());
        r.pool.run(0, "evaluate", {{"do", "hang"}});
        QVERIFY(r.waitOutcome());
        QCOMPARE(int(r.lost.front().kind), int(jobs::LossKind::Stalled));
        QVERIFY(r.lost.front().error.message.find("phase \"load\" (1 of 2)") != std::string::npos);
        QVERIFY(r.close());
    }

    void cancelledTaskEnds_data()
    {
        QTest::addColumn<std::string>("how");
        QTest::addColumn<bool>("worksTogether");
        QTest::addRow("listens") << std::string("slow") << true;
        QTest::addRow("does not listen") << std::string("deaf") << false;
        QTest::addRow("hangs") << std::string("hang") << false;
        QTest::addRow("is suspended") << std::string("stop") << false;
    }
    void cancelledTaskEnds()
    {
        QFETCH(std::string, how);
        QFETCH(bool, worksTogether);
        Recorded r;
        QVERIFY(r.waitIdle());
        QSignalSpy progress(&r.pool, &WorkerPool::taskProgressed);
        r.pool.run(0, "evaluate", {{"do", how}, {"ms", 60'000}});
        QTRY_VERIFY(!progress.isEmpty());
        QElapsedTimer timer;
        timer.start();
        r.pool.cancelTasks();
        QVERIFY(r.waitOutcome());
        QVERIFY2(timer.elapsed() < 5000, qPrintable(QString::number(timer.elapsed())));
        if (worksTogether) {
            QCOMPARE(r.failed.at(0).code, core::ErrorCode::Cancelled);
            QVERIFY(r.lost.empty());
        } else {
            QCOMPARE(r.lostTasks, 1);
        }
        QVERIFY(r.close());
        QVERIFY(r.nothingLeft());
    }

    void noWorkerCanStart_data()
    {
        QTest::addColumn<QByteArray>("fake");
        QTest::addColumn<int>("kind");
        QTest::addColumn<std::string>("told");
        const auto row = [](const char* fake, jobs::LossKind kind, const char* told) {
            QTest::addRow("%s", fake) << QByteArray(fake) << int(kind) << std::string(told);
        };
        using jobs::LossKind;
        row("exit", LossKind::NotStarted, "libexample.so.3");
        row("abort", LossKind::NotStarted, "signal 6");
        row("silent", LossKind::NotStarted, "not ready within 0.7 s");
        row("rubbish", LossKind::Broken, "Segmentation imminent");
        row("version", LossKind::Refused, "version 99");
        row("refuse", LossKind::Refused, "AVX2");
        row("late-exit", LossKind::Exited, "status 9");
    }
    void noWorkerCanStart()
    {
        QFETCH(QByteArray, fake);
        QFETCH(int, kind);
        QFETCH(std::string, told);
        qputenv("PARETOSCOPE_FAKE", fake);
        auto how = settings();
        how.timings.start = fake == "silent" ? 700ms : 5s;
        Recorded r(how, 2, 2);
        QVERIFY(QTest::qWaitFor([&] { return !r.exhausted.empty(); }, kWait));
        QCOMPARE(int(r.lost.front().kind), kind);
        QCOMPARE(r.lostTasks, 0);
        QCOMPARE(r.exhausted.size(), std::size_t(1));
        const core::Error& error = r.exhausted.front();
        QVERIFY2(error.message.starts_with("no worker can be started: "), error.message.c_str());
        QVERIFY2(error.message.find(told) != std::string::npos, error.message.c_str());
        QVERIFY2(error.hint.find("doctor") != std::string::npos, error.hint.c_str());
        QVERIFY(r.lost.size() <= 6); // the brake held
        QVERIFY(r.close());
    }

    void programIsChecked_data()
    {
        QTest::addColumn<std::string>("program");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addRow("missing") << std::string("/nonexistent/worker") << core::ErrorCode::NotFound;
        QTest::addRow("not executable") << std::string(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml")
                                        << core::ErrorCode::Io;
    }
    void programIsChecked()
    {
        QFETCH(std::string, program);
        QFETCH(core::ErrorCode, code);
        auto how = settings();
        how.program = program;
        WorkerPool pool(how, {"cpu"}, 1);
        const auto status = pool.start(1);
        QVERIFY(!status.ok());
        QCOMPARE(status.error().code, code);
        QVERIFY2(status.error().message.find(program) != std::string::npos, status.error().message.c_str());
    }

    void programThatIsNoProgram()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("worker")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("\x7f"
                   "ELF broken");
        file.setPermissions(QFile::ReadOwner | QFile::ExeOwner);
        file.close();
        auto how = settings();
        how.program = file.fileName().toStdString();
        Recorded r(how);
        QVERIFY(QTest::qWaitFor([&] { return !r.exhausted.empty(); }, kWait));
        QVERIFY2(r.exhausted[0].message.find(how.program.string()) != std::string::npos,
                 r.exhausted[0].message.c_str());
    }

    void workerIsConfigured()
    {
        auto how = settings();
        how.threads = 3;
        how.niceness = 4;
        Recorded r(how);
        QVERIFY(r.waitIdle());
        QCOMPARE(r.pool.hello(0).threads, 3);
        QCOMPARE(r.pool.hello(0).device, std::string("cpu"));
        QCOMPARE(r.pool.hello(0).libtorch, std::string("none"));
        QCOMPARE(r.pool.processIds(), std::vector<qint64>({r.pool.hello(0).pid}));
        QCOMPARE(::getpriority(PRIO_PROCESS, static_cast<id_t>(r.pool.hello(0).pid)),
                 std::min(19, ::getpriority(PRIO_PROCESS, 0) + 4));
        QFile environment(QStringLiteral("/proc/%1/environ").arg(r.pool.hello(0).pid));
        QVERIFY(environment.open(QIODevice::ReadOnly));
        QVERIFY(environment.readAll().split('\0').contains("OMP_NUM_THREADS=3"));
        QVERIFY(r.close());
    }

    void devicesAreDealtOut()
    {
        const QTemporaryDir cards;
        for (const char* number : {"0", "1"}) {
            QFile card(cards.filePath(QString::fromLatin1(number)));
            QVERIFY(card.open(QIODevice::WriteOnly) && card.write("1000") == 4);
        }
        qputenv("PARETOSCOPE_FAKE_CARDS", cards.path().toUtf8());
        WorkerPool pool(settings(), {"cuda:0", "cuda:1"}, 3);
        std::map<int, Json> shown;
        connect(&pool, &WorkerPool::workerIdle, &pool, [&](int worker) {
            QCOMPARE(pool.hello(worker).device, std::string("cuda:0")); // the only one that it sees
            shown[worker] = pool.hello(worker).description.at("card");
        });
        QVERIFY(pool.start(3).ok());
        QTRY_COMPARE_WITH_TIMEOUT(shown.size(), std::size_t(3), kWait);
        qunsetenv("PARETOSCOPE_FAKE_CARDS");
        const char* const expected[] {"0", "1", "0"};
        for (int worker = 0; worker < 3; ++worker) {
            QCOMPARE(shown[worker], Json(expected[worker]));
            QCOMPARE(pool.device(worker), std::string("cuda:") + expected[worker]);
        }
    }

    void surplusWorkersEnd()
    {
        Recorded r(settings(), 3, 3);
        QVERIFY(r.waitIdle(3));
        r.pool.run(2, "evaluate", {{"do", "slow"}, {"ms", 300}});
        r.pool.want(1);
        QTRY_COMPARE_WITH_TIMEOUT(r.pool.processIds().size(), std::size_t(1), kWait);
        QTRY_COMPARE_WITH_TIMEOUT(r.done.size(), std::size_t(1), kWait); // the busy one stayed
        QVERIFY(r.lost.empty());
        QVERIFY(r.close());
    }

    void renewedWorkerIsAnotherProcess()
    {
        Recorded r;
        QVERIFY(r.waitIdle());
        r.pool.renew(0);
        QVERIFY(r.waitIdle(2));
        QCOMPARE(r.seen.size(), std::size_t(2));
        QVERIFY(r.lost.empty());
        QVERIFY(r.close());
    }

    void workerThatLosesMemoryIsReplaced_data()
    {
        QTest::addColumn<bool>("hasBudget");
        QTest::addColumn<Json>("request");
        QTest::addColumn<bool>("replaced");
        const Json leak {{"do", "leak"}}; // 128 MiB
        QTest::addRow("lost, beyond the budget") << true << leak << true;
        QTest::addRow("lost, no budget") << false << leak << false;
        QTest::addRow("within the budget") << true << Json {{"do", "finish"}} << false;
    }
    void workerThatLosesMemoryIsReplaced()
    {
        QFETCH(bool, hasBudget);
        QFETCH(Json, request);
        QFETCH(bool, replaced);
        auto how = settings();
        if (hasBudget)
            how.memoryBudget = core::Bytes {std::int64_t(100) << 20};
        Recorded r(how);
        QSignalSpy outgrown(&r.pool, &WorkerPool::workerOutgrown);
        QVERIFY(r.waitIdle());
        r.pool.run(0, "evaluate", request);
        QVERIFY(r.waitIdle(2));
        QCOMPARE(r.done.size(), std::size_t(1)); // the result counts
        QCOMPARE(outgrown.size(), replaced ? 1 : 0);
        QCOMPARE(r.seen.size(), std::size_t(replaced ? 2 : 1));
        QVERIFY(r.lost.empty());
        QVERIFY(r.close());
    }

    void crashLoopIsSlowedDown()
    {
        auto how = settings();
        how.timings.backOff = 300ms;
        Recorded r(how);
        QElapsedTimer timer;
        timer.start();
        for (std::size_t round = 1; round <= 4; ++round) {
            QVERIFY(r.waitIdle(round));
            r.pool.run(0, "evaluate", {{"do", "abort"}});
            QVERIFY(QTest::qWaitFor([&] { return r.lost.size() == round; }, kWait));
        }
        QVERIFY(r.waitIdle(5));
        QVERIFY(timer.elapsed() >= 300 + 600 + 1200); // before the third, fourth and fifth process
        QVERIFY(r.exhausted.empty());                 // the tasks are to blame, not the workers
        QVERIFY(r.close());
    }

    void deadWorkerBetweenTasksIsReplaced()
    {
        Recorded r;
        QVERIFY(r.waitIdle());
        ::kill(static_cast<pid_t>(r.pool.hello(0).pid), SIGKILL);
        QVERIFY(r.waitIdle(2));
        QCOMPARE(r.lost.size(), std::size_t(1));
        QCOMPARE(r.lostTasks, 0);
        QVERIFY(r.close());
    }

    void terminatedWorkerCancelsItsTaskFirst()
    {
        Recorded r;
        QVERIFY(r.waitIdle());
        QSignalSpy progress(&r.pool, &WorkerPool::taskProgressed);
        r.pool.run(0, "evaluate", {{"do", "slow"}, {"ms", 60'000}});
        QTRY_VERIFY(!progress.isEmpty());
        const int pid = r.pool.hello(0).pid;
        int offers = 0; // of itself for another task, which would be lost with it
        connect(&r.pool, &WorkerPool::workerIdle, this, [&] { offers += r.pool.hello(0).pid == pid ? 1 : 0; });
        ::kill(static_cast<pid_t>(pid), SIGTERM);
        QVERIFY(r.waitOutcome());
        QCOMPARE(r.failed.at(0).code, core::ErrorCode::Cancelled);
        QTRY_VERIFY_WITH_TIMEOUT(!r.lost.empty(), kWait);
        QCOMPARE(offers, 0);
        QVERIFY(r.lost[0].error.message.find("143") != std::string::npos);
        QVERIFY(r.close());
    }

    void signalsForTheCoordinatorDoNotReachWorkers_data()
    {
        QTest::addColumn<int>("signal");
        QTest::addRow("SIGINT") << SIGINT;
        QTest::addRow("SIGHUP") << SIGHUP;
        QTest::addRow("SIGUSR1") << SIGUSR1;
        QTest::addRow("SIGUSR2") << SIGUSR2;
    }
    void signalsForTheCoordinatorDoNotReachWorkers()
    {
        QFETCH(int, signal);
        Recorded r;
        QVERIFY(r.waitIdle());
        ::kill(static_cast<pid_t>(r.pool.hello(0).pid), signal);
        r.pool.run(0, "evaluate", Json::object());
        QVERIFY(r.waitOutcome());
        QCOMPARE(r.done.size(), std::size_t(1));
        QVERIFY(r.pool.hello(0).pid != ::getpgid(0)); // Ctrl+C goes to a process group
        QCOMPARE(qint64(::getpgid(static_cast<pid_t>(r.pool.hello(0).pid))), qint64(r.pool.hello(0).pid));
        QVERIFY(r.close());
    }

    void killEndsAtOnce()
    {
        Recorded r;
        QVERIFY(r.waitIdle());
        r.pool.run(0, "evaluate", {{"do", "hang"}});
        r.pool.kill();
        QVERIFY(QTest::qWaitFor([&] { return r.closed == 1; }, kWait));
        QCOMPARE(r.failed.at(0).code, core::ErrorCode::Cancelled); // the task in hand has an end too
        QVERIFY(r.nothingLeft());
    }

    void destructorLeavesNothingBehind()
    {
        std::set<qint64> seen;
        {
            Recorded r(settings(), 2, 2);
            QVERIFY(r.waitIdle(2));
            r.pool.run(0, "evaluate", {{"do", "deaf"}, {"ms", 60'000}});
            r.pool.run(1, "evaluate", {{"do", "stop"}});
            seen = r.seen;
        }
        QVERIFY(std::none_of(seen.begin(), seen.end(), tests::isAlive));
    }

    void logIsKeptInAFile()
    {
        QTemporaryDir folder;
        auto how = settings();
        how.logFolder = folder.filePath(QStringLiteral("logs")).toStdString();
        Recorded r(how);
        QVERIFY(r.waitIdle());
        r.pool.run(0, "evaluate", {{"do", "abort"}, {"log", 500}});
        QVERIFY(r.waitOutcome());
        QVERIFY(r.close());
        QFile file(folder.filePath(QStringLiteral("logs/worker-0.log")));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray text = file.readAll();
        QVERIFY(text.contains("line 0\n") && text.contains("line 499\n"));
    }
};

QTEST_GUILESS_MAIN(TstWorkerPool)
#include "tst_worker_pool.moc"
