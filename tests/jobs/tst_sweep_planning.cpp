// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_planning.h"
#include "jobs/sweep_runner.h"
#include "jobs/time_budget.h"

#include <QtTest>

using namespace paretoscope;
using jobs::TimeBudget;

class TstSweepPlanning : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void cleanup() { qunsetenv("SLURM_CPUS_PER_TASK"); }

    void workersShareTheCores_data()
    {
        QTest::addColumn<int>("jobs");
        QTest::addColumn<int>("threads");
        QTest::addColumn<std::string>("device");
        QTest::addColumn<int>("expectedJobs");
        QTest::addColumn<int>("expectedThreads"); // on 2 cores
        QTest::addRow("defaults") << 0 << 0 << std::string("auto") << 2 << 1;
        QTest::addRow("one worker") << 1 << 0 << std::string("cpu") << 1 << 2;
        QTest::addRow("more workers than cores") << 5 << 0 << std::string("cpu") << 5 << 1;
        QTest::addRow("threads given") << 0 << 4 << std::string("cpu") << 2 << 4;
        QTest::addRow("one worker per card") << 0 << 0 << std::string("cuda:0") << 1 << 2;
    }
    void workersShareTheCores()
    {
        if (jobs::availableCores() < 2)
            QSKIP("needs two cores");
        qputenv("SLURM_CPUS_PER_TASK", "2");
        QFETCH(int, jobs);
        QFETCH(int, threads);
        QFETCH(std::string, device);
        QFETCH(int, expectedJobs);
        QFETCH(int, expectedThreads);
        jobs::SweepOptions options;
        options.jobs = jobs;
        options.threads = threads;
        options.device = device;
        const auto counts = jobs::workerCounts(options);
        QCOMPARE(counts.jobs, expectedJobs);
        QCOMPARE(counts.threads, expectedThreads);
    }

    void coresAreLimitedBySlurm()
    {
        qputenv("SLURM_CPUS_PER_TASK", "1");
        QCOMPARE(jobs::availableCores(), 1);
        qputenv("SLURM_CPUS_PER_TASK", "nonsense");
        QVERIFY(jobs::availableCores() >= 1);
    }

    void eachArithmeticIsAMeasurementOfItsOwn_data()
    {
        QTest::addColumn<std::string>("recorded");
        QTest::addColumn<std::string>("wanted");
        QTest::addColumn<bool>("isDone");
        QTest::addRow("the same") << std::string("bfloat16") << std::string("bfloat16") << true;
        QTest::addRow("another") << std::string("float32") << std::string("bfloat16") << false;
        QTest::addRow("the other way") << std::string("bfloat16") << std::string("float32") << false;
        QTest::addRow("an old record") << std::string() << std::string("float32") << true;
    }
    void eachArithmeticIsAMeasurementOfItsOwn()
    {
        QFETCH(std::string, recorded);
        QFETCH(std::string, wanted);
        QFETCH(bool, isDone);
        core::Sweep sweep;
        sweep.pipelines.emplace_back();
        core::WorkloadIdentity identity;
        identity.protocolIds = {"perplexity.window/text"};
        core::TrialRecord record;
        record.id = core::planTrials(sweep, identity).front().id;
        record.status = core::TrialStatus::Done;
        core::MetricRecord& metric = record.metrics.emplace_back();
        metric.protocol = identity.protocolIds.front();
        metric.dtype = recorded;
        jobs::SweepOptions options;
        options.arithmetic = wanted;
        const auto prepared = jobs::prepareSweep(sweep, identity, options, {record});
        QVERIFY(prepared.ok());
        QCOMPARE(bool(prepared.value().plan.done.front()), isDone);
        QCOMPARE(prepared.value().missing.front().empty(), isDone);
    }

    void budgetExpectsWhatWasSeen()
    {
        TimeBudget none;
        QVERIFY(none.allowsAnother(1e9));
        TimeBudget budget(100);
        QVERIFY(budget.allowsAnother(99)); // nothing is known
        QVERIFY(!budget.allowsAnother(100));
        budget.addEarlier(10);
        QVERIFY(budget.allowsAnother(90));
        QVERIFY(!budget.allowsAnother(90.5));
        budget.addFinished(20); // what this run saw counts more
        budget.addFinished(40);
        QCOMPARE(budget.expected(), 30.0);
        QVERIFY(budget.allowsAnother(70));
        QVERIFY(!budget.allowsAnother(71));
    }
};

QTEST_GUILESS_MAIN(TstSweepPlanning)
#include "tst_sweep_planning.moc"
