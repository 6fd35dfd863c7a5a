// SPDX-License-Identifier: Apache-2.0
// kill -9 of a worker, of the coordinator and of both at random moments of the demo sweep: every trial reported as
// finished is in the project, the same command completes the sweep with the same numbers, nothing is left behind.
#include "tests/jobs/processes.h"

#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <map>

using paretoscope::tests::processesOf;

namespace {

const QString kProgram = QStringLiteral(PARETOSCOPE_BUILD_TREE "/bin/paretoscope");
const QString kWorker = QStringLiteral(PARETOSCOPE_BUILD_TREE "/libexec/paretoscope/paretoscope-worker");
const QString kSweep = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml");
constexpr int kTrials = 12;
constexpr int kTrialMilliseconds = 1000; ///< about what a trial takes
constexpr int kPatience = 240000;        ///< ms

enum Victims
{
    Worker,
    Coordinator,
    Both
};

/// One run of the demo sweep into one project; its workers carry the project's path in their environment.
class DemoRun
{
public:
    DemoRun(const QString& project, const QString& cache)
        : m_mark("PARETOSCOPE_TEST_MARK=" + project.toUtf8())
    {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("PARETOSCOPE_CACHE"), cache);
        environment.insert(QStringLiteral("PARETOSCOPE_TEST_MARK"), project);
        m_process.setProcessEnvironment(environment);
        m_process.start(kProgram,
                        {QStringLiteral("--batch"), kSweep, QStringLiteral("--project"), project,
                         QStringLiteral("--json-lines"), QStringLiteral("--progress"), QStringLiteral("none")});
    }

    /// Kills a while after the given number of events, so that the moment falls into the sweep however fast the
    /// machine is; the sweep may still end before.
    void killAfter(int events, int milliseconds, Victims victims)
    {
        while (m_output.count('\n') < events && m_process.waitForReadyRead(kPatience))
            m_output += m_process.readAllStandardOutput();
        m_process.waitForFinished(milliseconds);
        if (victims != Coordinator) {
            const QList<qint64> workers = processesOf(kWorker, m_mark);
            for (qsizetype i = 0; i < (victims == Both ? workers.size() : qMin<qsizetype>(1, workers.size())); ++i)
                ::kill(pid_t(workers[i]), SIGKILL);
        }
        if (victims != Worker)
            m_process.kill();
    }

    bool waitForEnd() { return m_process.state() == QProcess::NotRunning || m_process.waitForFinished(kPatience); }
    int exitCode() const { return m_process.exitStatus() == QProcess::NormalExit ? m_process.exitCode() : -1; }
    bool hasWorkers() const { return !processesOf(kWorker, m_mark).isEmpty(); }
    QByteArray errors() { return m_process.readAllStandardError(); }

    /// Ids of the trials that this run reported as done; a torn last line is ignored.
    QStringList reportedDone()
    {
        QStringList ids;
        m_output += m_process.readAllStandardOutput();
        for (const QByteArray& line : m_output.split('\n')) {
            const QJsonObject event = QJsonDocument::fromJson(line).object();
            if (event.value(QLatin1String("event")) == QLatin1String("trial_finished") &&
                event.value(QLatin1String("status")) == QLatin1String("done"))
                ids << event.value(QLatin1String("trial")).toString();
        }
        return ids;
    }

private:
    QByteArray m_mark;
    QProcess m_process;
    QByteArray m_output;
};

QByteArray outputOf(const QString& program, const QStringList& arguments)
{
    QProcess process;
    process.start(program, arguments);
    process.waitForFinished(60000);
    return process.readAllStandardOutput();
}

/// Perplexity of every finished trial by id.
std::map<QString, double> resultsIn(const QString& project)
{
    std::map<QString, double> results;
    const QByteArray json = outputOf(kProgram, {QStringLiteral("list"), project, QStringLiteral("--json")});
    for (const QJsonValue& value : QJsonDocument::fromJson(json).object().value(QLatin1String("trials")).toArray()) {
        const QJsonObject trial = value.toObject();
        if (trial.value(QLatin1String("status")) == QLatin1String("done"))
            results[trial.value(QLatin1String("id")).toString()] = trial.value(QLatin1String("metrics"))
                                                                       .toObject()
                                                                       .value(QLatin1String("perplexity"))
                                                                       .toObject()
                                                                       .value(QLatin1String("value"))
                                                                       .toDouble();
    }
    return results;
}

QByteArray integrityOf(const QString& project)
{
    return outputOf(QStringLiteral("sqlite3"), {project, QStringLiteral("PRAGMA integrity_check")}).trimmed();
}

} // namespace

class TstDemoFaults : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        const QString project = m_folder.filePath(QStringLiteral("reference.pscope"));
        DemoRun run(project, m_folder.filePath(QStringLiteral("cache")));
        QVERIFY(run.waitForEnd());
        QVERIFY2(run.exitCode() == 0, run.errors().constData());
        m_reference = resultsIn(project);
        QCOMPARE(int(m_reference.size()), kTrials);
    }

    void sweepSurvivesKills_data()
    {
        QTest::addColumn<int>("victims");
        QTest::addColumn<int>("round");
        const int faults = qMax(3, qEnvironmentVariableIntValue("PARETOSCOPE_FAULTS"));
        const char* const names[] {"worker", "coordinator", "both"};
        for (int round = 0; round < faults; ++round)
            QTest::addRow("%s %d", names[round % 3], round) << round % 3 << round;
    }
    void sweepSurvivesKills()
    {
        QFETCH(int, victims);
        QFETCH(int, round);
        // Reproducible: the moments depend on the round alone.
        QRandomGenerator random(quint32(4711 + round));
        const QString project = m_folder.filePath(QStringLiteral("faults-%1.pscope").arg(round));
        const QString cache = m_folder.filePath(QStringLiteral("cache-%1").arg(round));
        {
            DemoRun run(project, cache);
            run.killAfter(random.bounded(2 * kTrials), random.bounded(kTrialMilliseconds), Victims(victims));
            QVERIFY(run.waitForEnd());
            QTRY_VERIFY_WITH_TIMEOUT(!run.hasWorkers(), 10000);
            const std::map<QString, double> kept = resultsIn(project);
            for (const QString& id : run.reportedDone())
                QVERIFY2(kept.count(id) == 1, qPrintable(id));
        }
        DemoRun again(project, cache);
        QVERIFY(again.waitForEnd());
        QVERIFY2(again.exitCode() == 0, again.errors().constData());
        QTRY_VERIFY_WITH_TIMEOUT(!again.hasWorkers(), 10000);
        QCOMPARE(resultsIn(project), m_reference); // to the last bit
        QCOMPARE(integrityOf(project), QByteArray("ok"));
    }

private:
    QTemporaryDir m_folder;
    std::map<QString, double> m_reference;
};

QTEST_GUILESS_MAIN(TstDemoFaults)
#include "tst_demo_faults.moc"
