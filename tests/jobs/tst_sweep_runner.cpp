// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_runner.h"

#include "core/sweep/reproduce.h"
#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include <sys/resource.h>

using namespace paretoscope;
using namespace std::chrono_literals;
using core::Json;
using core::TrialRecord;
using core::TrialStatus;
using jobs::SweepRunner;
using jobs::SweepSummary;
using tests::plainSweep;
using tests::quickOptions;
using tests::sweepOf;

namespace {

constexpr int kWait = 40'000;

/// A runner on a project file, with all it told.
struct Run
{
    Run(core::Sweep sweep, const std::filesystem::path& project, jobs::SweepOptions options = quickOptions())
    {
        auto store = core::ProjectStore::open(project, core::OpenMode::Create);
        if (!store.ok()) {
            error = store.error();
            return;
        }
        runner = std::make_unique<SweepRunner>(std::move(sweep), std::move(store).value(), std::move(options));
        QObject::connect(runner.get(), &SweepRunner::trialStarted, runner.get(), [this] { ++started; });
        QObject::connect(runner.get(), &SweepRunner::trialFinished, runner.get(),
                         [this](const TrialRecord& trial) { finishedTrials.push_back(trial); });
        QObject::connect(runner.get(), &SweepRunner::workerLost, runner.get(), [this] { ++lostWorkers; });
        QObject::connect(runner.get(), &SweepRunner::finished, runner.get(), [this](const SweepSummary& its) {
            summary = its;
            ++finishes;
        });
        const auto status = runner->prepare();
        if (!status.ok())
            error = status.error();
    }

    bool start()
    {
        if (error)
            return false;
        runner->start();
        return finishes == 0; // never from within start()
    }
    bool wait()
    {
        return QTest::qWaitFor([this] { return finishes > 0; }, kWait) && finishes == 1;
    }
    bool all() { return start() && wait(); }

    std::map<std::string, TrialRecord> stored()
    {
        std::map<std::string, TrialRecord> byLabel;
        std::vector<TrialRecord> trials = runner->store().trials().value();
        for (TrialRecord& record : trials)
            byLabel[record.label] = std::move(record);
        return byLabel;
    }
    TrialRecord onlyStored() { return runner->store().trial(runner->plan().trials.front().id).value(); }

    std::unique_ptr<SweepRunner> runner;
    std::optional<core::Error> error;
    std::vector<TrialRecord> finishedTrials;
    SweepSummary summary;
    int started = 0;
    int lostWorkers = 0;
    int finishes = 0;
};

int countOf(const std::map<std::string, TrialRecord>& trials, TrialStatus status)
{
    return static_cast<int>(
        std::count_if(trials.begin(), trials.end(), [&](const auto& trial) { return trial.second.status == status; }));
}

/// Takes away the room to write for this process and what it starts, as a full disk does.
class FullDisk
{
public:
    explicit FullDisk(const std::filesystem::path& folder)
    {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &m_before);
        rlim_t smallest = RLIM_INFINITY;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (entry.is_regular_file() && entry.path().extension() != ".lock")
                smallest = std::min<rlim_t>(smallest, entry.file_size());
        }
        const rlimit now {smallest, m_before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &m_before); }

private:
    rlimit m_before {};
};

} // namespace

class TstSweepRunner : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_project = m_folder->filePath(QStringLiteral("p.pscope")).toStdString();
    }
    void cleanup()
    {
        qunsetenv("PARETOSCOPE_FAKE");
        QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty());
    }

    void everyTrialIsRunAndRecorded()
    {
        Run run(plainSweep(5), m_project);
        QVERIFY2(!run.error, run.error ? run.error->message.c_str() : "");
        QCOMPARE(run.runner->plan().total(), 6);
        QCOMPARE(run.runner->plan().remaining(), 6);
        QVERIFY(run.all());
        QCOMPARE(run.summary.total, 6);
        QCOMPARE(run.summary.done, 6);
        QCOMPARE(run.summary.skipped + run.summary.failed + run.summary.interrupted + run.summary.held, 0);
        QVERIFY(!run.summary.stopped && !run.summary.error && run.summary.wallSeconds > 0);
        QCOMPARE(run.started, 6);
        QCOMPARE(run.finishedTrials.size(), std::size_t(6));
        QVERIFY(run.finishedTrials.front().label == "baseline" || run.finishedTrials.at(1).label == "baseline");

        const TrialRecord record = run.onlyStored();
        QCOMPARE(record.status, TrialStatus::Done);
        QCOMPARE(record.attempts, 1);
        QCOMPARE(record.sweep, std::string("scripted"));
        QCOMPARE(record.workload, std::string("tiny-llama"));
        QCOMPARE(record.metrics.size(), std::size_t(2));
        QCOMPARE(record.layerMetrics.size(), std::size_t(1));
        QVERIFY(!record.startedUtc.empty() && record.startedUtc <= record.finishedUtc);
        for (const char* key : {"command", "versions", "hashes", "device", "threads", "started", "finished", "host"})
            QVERIFY2(record.provenance.contains(key), key);
        QCOMPARE(record.provenance.at("command"), Json("paretoscope --batch scripted.yaml"));
        QCOMPARE(core::sha256(core::canonicalJson(record.provenance.at("identity"))), record.id.digest);
        const auto again = core::reproducingSweep(record);
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().sentence().c_str());
        QCOMPARE(again.value().pipelines.front().stages.size(), record.pipeline.size());
        QCOMPARE(record.provenance.at("hashes").at("model").get<std::string>().size(), std::size_t(64));

        const auto workloads = run.runner->store().workloads().value();
        QCOMPARE(workloads.size(), std::size_t(1));
        QVERIFY(workloads[0].parameters > 1'000'000 && workloads[0].storedBytes > 1'000'000);
    }

    void secondRunHasNothingToDo()
    {
        QVERIFY(Run(plainSweep(3), m_project).all());
        Run again(plainSweep(3), m_project);
        QCOMPARE(again.runner->plan().remaining(), 0);
        QVERIFY(again.all());
        QCOMPARE(again.started, 0);
        QCOMPARE(again.summary.skipped, 4);
        QCOMPARE(again.summary.done, 0);
    }

    void resultsDoNotDependOnTheNumberOfWorkers()
    {
        std::vector<std::map<std::string, TrialRecord>> results;
        for (const int workers : {1, 3}) {
            Run run(plainSweep(8, 5), m_folder->filePath(QString::number(workers)).toStdString(),
                    quickOptions(workers));
            QVERIFY(run.all());
            results.push_back(run.stored());
        }
        QCOMPARE(results[0].size(), results[1].size());
        for (const auto& [label, record] : results[0]) {
            const TrialRecord& other = results[1].at(label);
            QCOMPARE(record.id.hex(), other.id.hex());
            QCOMPARE(record.metrics.size(), other.metrics.size());
            for (std::size_t i = 0; i < record.metrics.size(); ++i)
                QCOMPARE(record.metrics[i].value, other.metrics[i].value);
        }
    }

    void faultyTrial_data()
    {
        QTest::addColumn<Json>("script");
        QTest::addColumn<bool>("once");
        QTest::addColumn<int>("attempts");
        QTest::addColumn<std::string>("told"); // "" = done in the end
        const auto row = [](const char* tag, Json script, bool once, int attempts, const char* told) {
            QTest::addRow("%s", tag) << std::move(script) << once << attempts << std::string(told);
        };
        row("aborts once", {{"do", "abort"}}, true, 2, "");
        row("killed once", {{"do", "kill"}}, true, 2, "");
        row("exits once", {{"do", "exit"}}, true, 2, "");
        row("silent once", {{"do", "stop"}}, true, 2, "");
        row("rubbish once", {{"do", "rubbish"}}, true, 2, "");
        row("torn frame once", {{"do", "torn"}}, true, 2, "");
        row("out of memory once", {{"do", "fail"}, {"code", "OutOfMemory"}}, true, 2, "");
        row("ended from outside once", {{"do", "fail"}, {"code", "Cancelled"}}, true, 2, "");
        row("aborts always", {{"do", "abort"}, {"log", 10}}, false, 2, "signal 6");
        row("killed always", {{"do", "kill"}, {"log", 10}}, false, 2, "signal 9");
        row("out of memory always", {{"do", "fail"}, {"code", "OutOfMemory"}, {"log", 10}}, false, 2, "layer 3");
        row("throws", {{"do", "throw"}, {"log", 10}}, false, 1, "index 7");
        for (const char* code : {"InvalidArgument", "NotFound", "Io", "Corrupt", "Busy", "Numerical", "Unsupported"})
            row(code, {{"do", "fail"}, {"code", code}, {"log", 10}}, false, 1, "layer 3");
    }
    void faultyTrial()
    {
        QFETCH(Json, script);
        QFETCH(bool, once);
        QFETCH(int, attempts);
        QFETCH(std::string, told);
        if (once)
            script["once"] = m_folder->filePath(QStringLiteral("marker")).toStdString();
        Run run(sweepOf({script, nullptr, Json::object(), Json::object()}), m_project);
        QVERIFY(run.all());
        QCOMPARE(run.summary.total, 4);
        QCOMPARE(run.summary.done, told.empty() ? 4 : 3); // the others go on
        QCOMPARE(run.summary.failed, told.empty() ? 0 : 1);
        const TrialRecord record = run.onlyStored();
        QCOMPARE(record.attempts, attempts);
        if (attempts > 1)
            QCOMPARE(record.provenance.at("losses").size(), std::size_t(told.empty() ? 1 : attempts - 1));
        if (told.empty()) {
            QCOMPARE(record.status, TrialStatus::Done);
            return;
        }
        QCOMPARE(record.status, TrialStatus::Failed);
        QVERIFY(record.error.has_value());
        QVERIFY2(record.error->message.find(told) != std::string::npos, record.error->message.c_str());
        QVERIFY(!record.error->hint.empty());
        QVERIFY(record.provenance.at("log_tail").dump().find("line 9") != std::string::npos);
        const auto events = run.runner->store().events().value();
        QVERIFY(std::any_of(events.begin(), events.end(), [&](const core::EventRecord& event) {
            return event.kind == "trial_failed" && event.trial == record.id.hex();
        }));
    }

    void retryPolicyDecidesAboutFailures_data()
    {
        QTest::addColumn<jobs::RetryPolicy>("retry");
        QTest::addColumn<int>("remaining");
        QTest::addColumn<int>("held");
        QTest::addRow("failed") << jobs::RetryPolicy::Failed << 3 << 0;
        QTest::addRow("interrupted") << jobs::RetryPolicy::Interrupted << 2 << 1;
        QTest::addRow("none") << jobs::RetryPolicy::None << 1 << 2;
    }
    void retryPolicyDecidesAboutFailures()
    {
        QFETCH(jobs::RetryPolicy, retry);
        QFETCH(int, remaining);
        QFETCH(int, held);
        {
            Run run(plainSweep(3), m_project);
            auto options = quickOptions();
            QVERIFY(run.all());
            const auto& trials = run.runner->plan().trials;
            QVERIFY(run.runner->store().setTrialStatus(trials[0].id, TrialStatus::Failed).ok());
            QVERIFY(run.runner->store().setTrialStatus(trials[1].id, TrialStatus::Interrupted).ok());
            QVERIFY(run.runner->store().setTrialStatus(trials[2].id, TrialStatus::Queued).ok());
        }
        auto options = quickOptions();
        options.retry = retry;
        Run run(plainSweep(3), m_project, options);
        QCOMPARE(run.runner->plan().remaining(), remaining);
        QVERIFY(run.all());
        QCOMPARE(run.summary.held, held);
        QCOMPARE(run.summary.done, remaining);
        QCOMPARE(run.summary.skipped, 1);
    }

    void failFastStopsAtTheFirstFailure()
    {
        auto options = quickOptions(1);
        options.failFast = true;
        Run run(sweepOf({Json::object(), {{"do", "fail"}, {"code", "Numerical"}}, Json::object(), Json::object()}),
                m_project, options);
        QVERIFY(run.all());
        QCOMPARE(run.summary.done, 1);
        QCOMPARE(run.summary.failed, 1);
        QCOMPARE(run.summary.interrupted, 2);
        QVERIFY(!run.summary.stopped);
    }

    void selectionLimitsTheSweep_data()
    {
        QTest::addColumn<std::string>("only");
        QTest::addColumn<int>("shardIndex");
        QTest::addColumn<int>("shardCount");
        QTest::addColumn<int>("maxTrials");
        QTest::addColumn<int>("total");
        QTest::addColumn<int>("done");
        QTest::addRow("all") << std::string() << 0 << 1 << 0 << 7 << 7;
        QTest::addRow("only a label") << std::string("baseline") << 0 << 1 << 0 << 1 << 1;
        QTest::addRow("first shard") << std::string() << 0 << 3 << 0 << 3 << 3;
        QTest::addRow("last shard") << std::string() << 2 << 3 << 0 << 2 << 2;
        QTest::addRow("at most two") << std::string() << 0 << 1 << 2 << 7 << 2;
        QTest::addRow("more than there are") << std::string() << 0 << 1 << 20 << 7 << 7;
    }
    void selectionLimitsTheSweep()
    {
        QFETCH(std::string, only);
        QFETCH(int, shardIndex);
        QFETCH(int, shardCount);
        QFETCH(int, maxTrials);
        QFETCH(int, total);
        QFETCH(int, done);
        auto options = quickOptions();
        options.only = only;
        options.shardIndex = shardIndex;
        options.shardCount = shardCount;
        options.maxTrials = maxTrials;
        Run run(plainSweep(6), m_project, options);
        QVERIFY(run.all());
        QCOMPARE(run.summary.total, total);
        QCOMPARE(run.summary.done, done);
        QCOMPARE(run.summary.left, total - done);
        QCOMPARE(run.summary.interrupted, 0);
    }

    void shardsTogetherAreTheSweep()
    {
        for (int shard = 0; shard < 3; ++shard) {
            auto options = quickOptions();
            options.shardIndex = shard;
            options.shardCount = 3;
            QVERIFY(Run(plainSweep(6), m_project, options).all());
        }
        QCOMPARE(Run(plainSweep(6), m_project).runner->plan().remaining(), 0);
    }

    void badOptionsAreRefused_data()
    {
        QTest::addColumn<jobs::SweepOptions>("options");
        QTest::addColumn<std::string>("told");
        const auto row = [](const char* tag, auto change, const char* told) {
            auto options = quickOptions();
            change(options);
            QTest::addRow("%s", tag) << options << std::string(told);
        };
        row(
            "jobs", [](auto& o) { o.jobs = -1; }, "--jobs -1");
        row(
            "threads", [](auto& o) { o.threads = -2; }, "--threads -2");
        row(
            "max trials", [](auto& o) { o.maxTrials = -3; }, "--max-trials -3");
        row(
            "shard", [](auto& o) { o.shardIndex = 4, o.shardCount = 4; }, "--shard 4/4");
        row(
            "no shards", [](auto& o) { o.shardCount = 0; }, "--shard 0/0");
        row(
            "device", [](auto& o) { o.device = "gpu7"; }, "gpu7");
        row(
            "time limit", [](auto& o) { o.timeLimitSeconds = 0; }, "time limit");
        row(
            "only", [](auto& o) { o.only = "basline"; }, "basline");
    }
    void badOptionsAreRefused()
    {
        QFETCH(jobs::SweepOptions, options);
        QFETCH(std::string, told);
        Run run(plainSweep(1), m_project, options);
        QVERIFY(run.error.has_value());
        QCOMPARE(run.error->code, core::ErrorCode::InvalidArgument);
        QVERIFY2(run.error->message.find(told) != std::string::npos, run.error->message.c_str());
        QVERIFY(!run.error->hint.empty());
    }

    void missingModelIsRefused()
    {
        auto sweep = plainSweep(1);
        sweep.workload.model = "/nonexistent/model";
        Run run(std::move(sweep), m_project);
        QVERIFY(run.error.has_value());
        QCOMPARE(run.error->code, core::ErrorCode::NotFound);
    }

    void timeLimitStartsNoTrialThatWouldNotEnd()
    {
        auto options = quickOptions(1);
        options.timeLimitSeconds = 2.0;
        Run run(plainSweep(20, 300), m_project, options);
        QElapsedTimer timer;
        timer.start();
        QVERIFY(run.all());
        QVERIFY2(timer.elapsed() < 4000, qPrintable(QString::number(timer.elapsed())));
        QVERIFY(run.summary.stopped);
        QVERIFY(run.summary.done >= 1);
        QVERIFY(run.summary.interrupted > 0);
        const auto stored = run.stored();
        QVERIFY(countOf(stored, TrialStatus::Queued) > 0); // left alone, not broken off
    }

    void timeLimitCancelsWhatRunsTooLong()
    {
        auto options = quickOptions(1);
        options.timeLimitSeconds = 1.0;
        Run run(sweepOf({{{"ms", 60'000}}}), m_project, options);
        QVERIFY(run.all());
        QVERIFY(run.summary.stopped);
        QCOMPARE(run.onlyStored().status, TrialStatus::Interrupted);
    }

    void stopKeepsWhatIsFinishedAndRerunDoesTheRest()
    {
        int before = 0;
        {
            Run run(plainSweep(12, 40), m_project);
            QVERIFY(run.start());
            QVERIFY(QTest::qWaitFor([&] { return run.finishedTrials.size() >= 3; }, kWait));
            run.runner->stop();
            QVERIFY(run.wait());
            QVERIFY(run.summary.stopped);
            before = run.summary.done;
            QVERIFY(before >= 3 && before < 13);
            QCOMPARE(run.summary.interrupted, 13 - before);
            const auto stored = run.stored();
            QCOMPARE(countOf(stored, TrialStatus::Done), before);
            QCOMPARE(countOf(stored, TrialStatus::Running), 0);
            QCOMPARE(countOf(stored, TrialStatus::Failed), 0);
        }
        Run again(plainSweep(12, 40), m_project);
        QCOMPARE(again.runner->plan().remaining(), 13 - before);
        QVERIFY(again.all());
        QCOMPARE(again.summary.skipped, before);
        QCOMPARE(again.summary.done, 13 - before);
        QCOMPARE(countOf(again.stored(), TrialStatus::Done), 13);
    }

    void stopIsQuick_data()
    {
        QTest::addColumn<std::string>("how");
        QTest::addColumn<int>("stops");
        QTest::addColumn<int>("withinMilliseconds");
        QTest::addRow("listens") << std::string("slow") << 1 << 3000;
        QTest::addRow("does not listen") << std::string("deaf") << 1 << 10'000;
        QTest::addRow("second stop kills") << std::string("deaf") << 2 << 3000;
    }
    void stopIsQuick()
    {
        QFETCH(std::string, how);
        QFETCH(int, stops);
        QFETCH(int, withinMilliseconds);
        Run run(sweepOf({{{"do", how}, {"ms", 60'000}}, {{"do", how}, {"ms", 60'000}}}), m_project);
        QSignalSpy progressed(run.runner.get(), &SweepRunner::trialProgressed);
        QVERIFY(run.start());
        QTRY_VERIFY_WITH_TIMEOUT(progressed.count() >= 4, kWait);
        QElapsedTimer timer;
        timer.start();
        for (int i = 0; i < stops; ++i)
            run.runner->stop();
        QVERIFY(timer.elapsed() < 200); // acknowledged at once
        QVERIFY(run.wait());
        QVERIFY2(timer.elapsed() < withinMilliseconds, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(run.summary.interrupted, 2);
        QCOMPARE(countOf(run.stored(), TrialStatus::Interrupted), 2);
    }

    void stopBeforeAnyWorkerIsThere()
    {
        Run run(plainSweep(3), m_project);
        QVERIFY(run.start());
        run.runner->stop();
        QVERIFY(run.wait());
        QVERIFY(run.summary.stopped);
        QCOMPARE(run.summary.interrupted, 4);
    }

    void workerKilledFromOutsideCostsNothing()
    {
        Run run(plainSweep(6, 150), m_project);
        int kills = 0;
        connect(run.runner.get(), &SweepRunner::trialStarted, this, [&] {
            if (++kills > 3)
                return;
            const auto workers = tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER));
            if (!workers.isEmpty())
                ::kill(static_cast<pid_t>(workers.front()), SIGKILL);
        });
        QVERIFY(run.all());
        QVERIFY(run.lostWorkers >= 1);
        QCOMPARE(run.summary.done + run.summary.failed, 7);
        QVERIFY(run.summary.done >= 5);
    }

    void noWorkerCanStart()
    {
        qputenv("PARETOSCOPE_FAKE", "exit");
        Run run(plainSweep(3), m_project);
        QVERIFY(run.all());
        QVERIFY(run.summary.error.has_value());
        QVERIFY(run.summary.error->message.find("no worker can be started") != std::string::npos);
        QCOMPARE(run.summary.failed, 0); // no trial is to blame
        QCOMPARE(run.summary.interrupted, 4);
        QCOMPARE(countOf(run.stored(), TrialStatus::Queued), 4);
    }

    void missingWorkerProgramIsToldOnce()
    {
        auto options = quickOptions();
        options.worker = "/nonexistent/worker";
        Run run(plainSweep(1), m_project, options);
        QVERIFY(run.all());
        QCOMPARE(run.summary.error->code, core::ErrorCode::NotFound);
    }

    void fullDiskStopsTheSweepAndLosesNothing()
    {
        int before = 0;
        {
            Run run(plainSweep(10, 20), m_project);
            QVERIFY(run.start());
            QVERIFY(QTest::qWaitFor([&] { return run.finishedTrials.size() >= 2; }, kWait));
            {
                const FullDisk full(m_folder->path().toStdString());
                QVERIFY(run.wait());
            }
            QVERIFY(run.summary.error.has_value());
            QCOMPARE(run.summary.error->code, core::ErrorCode::Io);
            QVERIFY2(run.summary.error->message.find("p.pscope") != std::string::npos,
                     run.summary.error->message.c_str());
            before = run.summary.done;
            QVERIFY(before >= 2 && before < 11);
            QCOMPARE(run.summary.failed, 0);
        }
        Run again(plainSweep(10, 20), m_project);
        QVERIFY2(!again.error, again.error ? again.error->message.c_str() : "");
        QVERIFY(countOf(again.stored(), TrialStatus::Done) >= before);
        QVERIFY(again.all());
        QCOMPARE(countOf(again.stored(), TrialStatus::Done), 11);
    }

    void destructorLeavesNothingBehind()
    {
        {
            Run run(sweepOf({{{"do", "deaf"}, {"ms", 60'000}}, {{"do", "stop"}}}), m_project);
            QVERIFY(run.start());
            QTRY_COMPARE_WITH_TIMEOUT(run.started, 2, kWait);
        }
        QVERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty());
        Run again(sweepOf({Json::object()}), m_project); // and the project is free
        QVERIFY(!again.error);
    }

    void trialsOfADeadCoordinatorAreTakenUp()
    {
        {
            Run run(plainSweep(2), m_project);
            QVERIFY(run.runner->store().recordTrials({}).ok());
            QVERIFY(run.all());
            QVERIFY(run.runner->store().setTrialStatus(run.runner->plan().trials[1].id, TrialStatus::Running).ok());
        }
        Run again(plainSweep(2), m_project);
        QCOMPARE(again.runner->plan().remaining(), 1);
        const auto record = again.runner->store().trial(again.runner->plan().trials[1].id).value();
        QCOMPARE(record.status, TrialStatus::Interrupted);
        QVERIFY(again.all());
        QCOMPARE(again.summary.done, 1);
    }

    void addedMetricIsMeasuredAndNothingIsLost_data()
    {
        QTest::addColumn<bool>("fails");
        QTest::addRow("measured") << false;
        QTest::addRow("measurement fails") << true;
    }
    void addedMetricIsMeasuredAndNothingIsLost()
    {
        QFETCH(bool, fails);
        const std::string marker = m_folder->filePath(QStringLiteral("marker")).toStdString();
        // Fails from the second time on: the marker is there from the beginning and taken away in between.
        const Json script {{"do", "fail"}, {"code", "Numerical"}, {"once", marker}};
        std::ofstream(marker) << "x";
        auto sweep = sweepOf({script});
        QVERIFY(Run(sweep, m_project).all());
        if (fails)
            std::filesystem::remove(marker);
        auto more = sweep.workload.evaluate.front();
        more.options["windows"] = 1;
        sweep.workload.evaluate.push_back(more);
        Run run(sweep, m_project);
        QCOMPARE(run.runner->plan().remaining(), 1);
        QVERIFY(run.all());
        QCOMPARE(run.summary.failed, fails ? 1 : 0);
        const TrialRecord record = run.onlyStored();
        QCOMPARE(record.status, TrialStatus::Done);
        std::set<std::string> protocols;
        for (const auto& metric : record.metrics)
            protocols.insert(metric.protocol);
        QCOMPARE(protocols.size(), std::size_t(fails ? 2 : 3)); // "" of the size among them
        QCOMPARE(record.layerMetrics.size(), std::size_t(1));
    }

    void progressIsToldButNotTooOften()
    {
        Run run(sweepOf({{{"do", "flood"}}}), m_project);
        QSignalSpy progressed(run.runner.get(), &SweepRunner::trialProgressed);
        QVERIFY(run.all());
        QVERIFY(progressed.count() >= 2);
        const auto progress = progressed.last()[0].value<jobs::TrialProgress>();
        QCOMPARE(progress.trial.hex(), run.runner->plan().trials[0].id.hex());
        QVERIFY(!progress.label.isEmpty());
        QVERIFY(progress.elapsedSeconds >= 0);
        QVERIFY(!progress.remainingSeconds); // nothing like it was ever run
    }

    void workersTellWhatTheyDo()
    {
        jobs::SweepOptions options = quickOptions();
        options.timings.heartbeat = 20ms;
        Run run(sweepOf({{{"do", "finish"}}, {{"do", "slow"}, {"ms", 300}}}), m_project, options);
        QSignalSpy changed(run.runner.get(), &SweepRunner::workerChanged);
        QVERIFY(run.all());
        QVERIFY(!changed.isEmpty());
        std::set<std::string> trials;
        bool hasMemory = false;
        for (const QList<QVariant>& arguments : changed) {
            const auto status = arguments[0].value<jobs::WorkerStatus>();
            QCOMPARE(status.device, std::string("cpu"));
            QVERIFY(!status.trial || status.activity == jobs::WorkerActivity::Busy);
            if (status.trial)
                trials.insert(status.trial->hex());
            hasMemory = hasMemory || status.residentBytes > 0;
        }
        QCOMPARE(trials.size(), std::size_t(2));
        QVERIFY(hasMemory);
        QCOMPARE(changed.first()[0].value<jobs::WorkerStatus>().activity, jobs::WorkerActivity::Starting);
        QCOMPARE(changed.last()[0].value<jobs::WorkerStatus>().activity, jobs::WorkerActivity::Gone);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_project;
};

QTEST_GUILESS_MAIN(TstSweepRunner)
#include "tst_sweep_runner.moc"
