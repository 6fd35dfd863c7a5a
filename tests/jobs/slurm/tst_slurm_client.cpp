// SPDX-License-Identifier: Apache-2.0
// What Slurm's programs print, as version 22.05 does; tests/integration/slurm has the programs themselves.
#include "jobs/slurm/slurm_client.h"

#include <QtTest>

#include <cstdlib>

using namespace paretoscope;
using namespace paretoscope::jobs;

namespace {

QString described(const std::optional<ElementEnd>& end)
{
    return end ? QString::fromStdString(end->state + " " + end->exit) : QStringLiteral("nothing");
}

} // namespace

class TstSlurmClient : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsTheQueue()
    {
        const auto queue = readQueue("12|0|RUNNING|None\n12|3|PENDING|launch failed requeued held\n");
        QVERIFY(queue.ok());
        const std::vector<QueuedElement> expected {{12, 0, "RUNNING", "None"},
                                                   {12, 3, "PENDING", "launch failed requeued held"}};
        QVERIFY(queue.value() == expected);
        QVERIFY(!queue.value()[0].isWaiting() && queue.value()[1].isWaiting());
        QVERIFY(readQueue("").value().empty());
    }

    void refusesAQueueThatItDoesNotKnow_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addRow("no array") << QByteArray("12|N/A|RUNNING|None\n");
        QTest::addRow("too few columns") << QByteArray("12|1|RUNNING\n");
        QTest::addRow("a message") << QByteArray("slurm_load_jobs error: Invalid job id specified\n");
    }
    void refusesAQueueThatItDoesNotKnow()
    {
        QFETCH(QByteArray, text);
        const auto queue = readQueue(text.toStdString());
        QVERIFY(!queue.ok());
        QVERIFY(queue.error().message.find("squeue") != std::string::npos);
    }

    void readsHowAnElementEnded_data()
    {
        QTest::addColumn<QByteArray>("job");        // scontrol
        QTest::addColumn<QByteArray>("accounting"); // sacct
        QTest::addColumn<QString>("expected");
        QTest::addRow("failed") << QByteArray("JobId=2 ArrayJobId=1 ArrayTaskId=0 JobName=a JobState=FAILED "
                                              "Reason=NonZeroExitCode Requeue=1 ExitCode=75:0 DerivedExitCode=0:0\n")
                                << QByteArray("FAILED|75:0\n") << QStringLiteral("FAILED 75:0");
        QTest::addRow("cancelled") << QByteArray("JobId=2 JobState=CANCELLED Reason=None ExitCode=0:9\n")
                                   << QByteArray("CANCELLED by 1000|0:9\n") << QStringLiteral("CANCELLED 0:9");
        QTest::addRow("preempted") << QByteArray("JobId=2 JobState=PREEMPTED ExitCode=0:0\n")
                                   << QByteArray("PREEMPTED|0:0\n") << QStringLiteral("PREEMPTED 0:0");
        QTest::addRow("unknown") << QByteArray() << QByteArray() << QStringLiteral("nothing");
        QTest::addRow("a message") << QByteArray("slurm_load_jobs error: Invalid job id specified\n")
                                   << QByteArray("Slurm accounting storage is disabled\n") << QStringLiteral("nothing");
    }
    void readsHowAnElementEnded()
    {
        QFETCH(QByteArray, job);
        QFETCH(QByteArray, accounting);
        QFETCH(QString, expected);
        QCOMPARE(described(readJob(job.toStdString())), expected);
        QCOMPARE(described(readAccounting(accounting.toStdString())), expected);
    }

    void readsTheLargestArray()
    {
        QCOMPARE(
            readMaxArraySize("Licenses                = (null)\nMaxArraySize            = 1001\nMaxDBDMsgs = 20\n"),
            std::optional(1001));
        QCOMPARE(readMaxArraySize("MaxJobCount = 1\n"), std::optional<int>());
    }

    void refusalSaysWhatToDo_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("message");
        QTest::addColumn<QString>("remedy");
        const auto row = [](const char* tag, const char* text, const char* message, const char* remedy) {
            QTest::addRow("%s", tag) << QByteArray(text) << QString::fromLatin1(message) << QString::fromLatin1(remedy);
        };
        row("partition",
            "sbatch: error: invalid partition specified: nope\n"
            "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
            "Invalid partition name specified", "sinfo");
        row("account",
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination "
            "specified\n",
            "Invalid account", "account");
        row("limit",
            "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job "
            "violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
            "violates accounting/QOS policy", "--slurm-array");
        row("array", "sbatch: error: Batch job submission failed: Invalid job array specification\n",
            "Invalid job array specification", "--slurm-array");
        row("memory",
            "sbatch: error: Memory specification can not be satisfied\n"
            "sbatch: error: Batch job submission failed: Requested node configuration is not available\n",
            "Requested node configuration is not available", "less memory");
        row("time",
            "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds "
            "some limit)\n",
            "Requested time limit is invalid", "--time");
        row("unknown", "sbatch: error: Something new\n", "Something new", "--test-only");
        row("silent", "", "does not say why", "--test-only");
    }
    void refusalSaysWhatToDo()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, message);
        QFETCH(QString, remedy);
        const core::Error error = rejection(text.toStdString());
        QCOMPARE(error.code, core::ErrorCode::InvalidArgument);
        QVERIFY2(QString::fromStdString(error.message).startsWith(QLatin1String("sbatch refused the array: ")),
                 error.message.c_str());
        QVERIFY2(QString::fromStdString(error.message).contains(message), error.message.c_str());
        QVERIFY2(QString::fromStdString(error.hint).contains(remedy), error.hint.c_str());
    }

    void missingSlurmIsNamed()
    {
        const QByteArray before = qgetenv("PATH");
        qputenv("PATH", "/nonexistent");
        const auto queue = SlurmClient().queued("x");
        qputenv("PATH", before);
        QVERIFY(!queue.ok());
        QCOMPARE(queue.error().code, core::ErrorCode::NotFound);
        QVERIFY(queue.error().message.find("squeue") != std::string::npos);
        QVERIFY(queue.error().hint.find("--executor local") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstSlurmClient)
#include "tst_slurm_client.moc"
