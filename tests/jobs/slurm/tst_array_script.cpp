// SPDX-License-Identifier: Apache-2.0
// The text of the batch script, and what bash makes of it without a Slurm: `program`, srun and scontrol are stand-ins.
#include "jobs/slurm/array_script.h"

#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QtTest>

#include <functional>

using namespace paretoscope::jobs;

namespace {

ArrayScript usual()
{
    ArrayScript script;
    script.command = "paretoscope slurm-script sweep.yaml";
    script.name = "sweep";
    script.program = "/opt/paretoscope/bin/paretoscope";
    script.sweep = "sweep.yaml";
    script.results = "results";
    script.logs = "logs";
    script.trials = 30;
    script.elements = 4;
    script.arraySize = 4;
    return script;
}

using Change = std::function<void(ArrayScript&)>;

/// The lines that sbatch reads: it stops at the first that is neither empty nor a comment.
QStringList headerOf(const QString& text)
{
    QStringList header;
    for (const QString& line : text.split(QLatin1Char('\n'))) {
        if (!line.isEmpty() && !line.startsWith(QLatin1Char('#')))
            break;
        if (line.startsWith(QLatin1String("#SBATCH ")))
            header << line.mid(8);
    }
    return header;
}

} // namespace

Q_DECLARE_METATYPE(Change)

class TstArrayScript : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void elementsFollowTheTrials_data()
    {
        QTest::addColumn<int>("trials");
        QTest::addColumn<int>("perElement");
        QTest::addColumn<int>("elements");
        QTest::addRow("none") << 0 << 8 << 1;
        QTest::addRow("one") << 1 << 8 << 1;
        QTest::addRow("just full") << 16 << 8 << 2;
        QTest::addRow("one over") << 17 << 8 << 3;
        QTest::addRow("one each") << 17 << 1 << 17;
    }
    void elementsFollowTheTrials()
    {
        QFETCH(int, trials);
        QFETCH(int, perElement);
        QFETCH(int, elements);
        QCOMPARE(elementsFor(trials, perElement), elements);
    }

    void headerSays_data()
    {
        QTest::addColumn<Change>("change");
        QTest::addColumn<QString>("line");
        const auto row = [](const char* tag, const char* line, Change change) {
            QTest::addRow("%s", tag) << change << QString::fromLatin1(line);
        };
        const Change nothing = [](ArrayScript&) {};
        row("name", "--job-name=sweep", nothing);
        row("array", "--array=0-3", nothing);
        row("at once", "--array=0-3%2", [](ArrayScript& script) { script.atOnce = 2; });
        row("all at once", "--array=0-3", [](ArrayScript& script) { script.atOnce = 4; });
        row("one element", "--array=0", [](ArrayScript& script) { script.arraySize = script.elements = 1; });
        row("split", "--array=0-1", [](ArrayScript& script) { script.arraySize = 2; });
        row("output", "--output=logs/%A_%a.out", nothing);
        row("output with a blank", "--output=\"my logs/%A_%a.out\"",
            [](ArrayScript& script) { script.logs = "my logs"; });
        row("append", "--open-mode=append", nothing);
        row("requeue", "--requeue", nothing);
        row("warning", "--signal=B:USR1@120", nothing);
        row("warning of a short job", "--signal=B:USR1@60", [](ArrayScript& script) { script.timeSeconds = 600; });
        row("warning of a long job", "--signal=B:USR1@120", [](ArrayScript& script) { script.timeSeconds = 14400; });
        row("time", "--time=4:00:00", [](ArrayScript& script) { script.timeSeconds = 14400; });
        row("cores", "--cpus-per-task=8", [](ArrayScript& script) { script.cpus = 8; });
        row("cards", "--gpus=2", [](ArrayScript& script) { script.gpus = 2; });
        row("memory", "--mem=32G", [](ArrayScript& script) { script.memory = "32G"; });
        row("partition", "--partition=gpu", [](ArrayScript& script) { script.partition = "gpu"; });
        row("account", "--account=p1", [](ArrayScript& script) { script.account = "p1"; });
    }
    void headerSays()
    {
        QFETCH(Change, change);
        QFETCH(QString, line);
        ArrayScript script = usual();
        change(script);
        const QStringList header = headerOf(QString::fromStdString(arrayScript(script)));
        QVERIFY2(header.contains(line), qPrintable(header.join(QLatin1Char('\n'))));
    }

    void headerLeavesTheSiteToTheSite()
    {
        const QStringList header = headerOf(QString::fromStdString(arrayScript(usual())));
        for (const char* option : {"--partition", "--account", "--time", "--mem", "--gpus"})
            QVERIFY2(header.filter(QLatin1String(option)).isEmpty(), option);
    }

    void partsOfAnArrayCoverEveryShardOnce_data()
    {
        QTest::addColumn<int>("elements");
        QTest::addColumn<int>("arraySize");
        QTest::addColumn<QStringList>("expected");
        QTest::addRow("one array") << 4 << 4 << QStringList {QStringLiteral("x.sbatch")};
        QTest::addRow("split") << 12 << 5
                               << QStringList {QStringLiteral("--array=0-4%3 x.sbatch 0"),
                                               QStringLiteral("--array=0-4%3 x.sbatch 5"),
                                               QStringLiteral("--array=0-1 x.sbatch 10")};
        QTest::addRow("one left") << 6 << 5
                                  << QStringList {QStringLiteral("--array=0-4%3 x.sbatch 0"),
                                                  QStringLiteral("--array=0 x.sbatch 5")};
    }
    void partsOfAnArrayCoverEveryShardOnce()
    {
        QFETCH(int, elements);
        QFETCH(int, arraySize);
        QFETCH(QStringList, expected);
        ArrayScript script = usual();
        script.elements = elements;
        script.arraySize = arraySize;
        script.atOnce = 3;
        QStringList arguments;
        for (const std::string& text : submissions(script, "x.sbatch"))
            arguments << QString::fromStdString(text);
        QCOMPARE(arguments, expected);
    }

    void limitLeavesTimeForALayer_data()
    {
        QTest::addColumn<qint64>("time");
        QTest::addColumn<qint64>("limit");
        QTest::addRow("a second") << qint64(1) << qint64(1);
        QTest::addRow("a minute") << qint64(60) << qint64(48);
        QTest::addRow("four hours") << qint64(14400) << qint64(14100);
    }
    void limitLeavesTimeForALayer()
    {
        QFETCH(qint64, time);
        QFETCH(qint64, limit);
        QCOMPARE(qint64(timeLimitFor(time)), limit);
    }

    void jobNameIsOneWord()
    {
        QCOMPARE(jobName("my sweep (b)"), std::string("my_sweep__b_"));
        QCOMPARE(jobName(""), std::string("sweep"));
        QCOMPARE(jobName(std::string(200, 'x')).size(), std::size_t(64));
    }

    /// What an element does: the words of the program's call and how the script ends.
    void elementRuns_data()
    {
        QTest::addColumn<Change>("change");
        QTest::addColumn<QStringList>("environment");
        QTest::addColumn<QStringList>("arguments"); // of the script
        QTest::addColumn<QString>("program");       // what the stand-in does
        QTest::addColumn<int>("status");
        QTest::addColumn<QStringList>("said"); // in this order on stdout
        const Change nothing = [](ArrayScript&) {};
        const QString done = QStringLiteral("exit 0");
        const QString stopped = QStringLiteral("exit 75");
        const auto row = [](const char* tag, Change change, QStringList environment, QStringList arguments,
                            const QString& program, int status, QStringList said) {
            QTest::addRow("%s", tag) << change << environment << arguments << program << status << said;
        };
        row("shard of its own", nothing, {}, {}, done, 0,
            {QStringLiteral(
                 "run sweep.yaml --project results/7_2.psl --shard 2/4 --jobs 1 --threads 4 --progress plain\n"),
             QStringLiteral("TMPDIR=/tmp")});
        row("offset of a split array", nothing, {}, {QStringLiteral("10"), QStringLiteral("16")}, done, 0,
            {QStringLiteral("--shard 12/16")});
        row("another sweep", nothing, {},
            {QStringLiteral("0"), QStringLiteral("5"), QStringLiteral("b c.yaml"), QStringLiteral("out put"),
             QStringLiteral("--only"), QStringLiteral("a b")},
            done, 0,
            {QStringLiteral("run b c.yaml --project out put/7_2.psl --shard 2/5"), QStringLiteral("--only a b\n")});
        row("options",
            [](ArrayScript& script) {
                script.options = {"--set", "stage.rtn.bits=3,4"};
            },
            {}, {}, done, 0, {QStringLiteral("--set stage.rtn.bits=3,4\n")});
        row("cards", [](ArrayScript& script) { script.gpus = script.workers = 2; }, {}, {}, done, 0,
            {QStringLiteral("--jobs 2 --threads 2 --device cuda:0,cuda:1 ")});
        row("cores of the job", nothing, {QStringLiteral("SLURM_CPUS_PER_TASK=9")}, {}, done, 0,
            {QStringLiteral("--threads 9 ")});
        row("fewer cores than workers", [](ArrayScript& script) { script.workers = 3; },
            {QStringLiteral("SLURM_CPUS_PER_TASK=2")}, {}, done, 0, {QStringLiteral("--jobs 3 --threads 1 ")});
        row("time limit", [](ArrayScript& script) { script.timeSeconds = 14400; }, {}, {}, done, 0,
            {QStringLiteral("--time-limit 14100s ")});
        row("scratch of the job", nothing, {QStringLiteral("SLURM_TMPDIR=/scratch/7")}, {}, done, 0,
            {QStringLiteral("TMPDIR=/scratch/7\n")});
        row("by srun", [](ArrayScript& script) { script.usesSrun = true; }, {}, {}, done, 0,
            {QStringLiteral("srun --ntasks=1 --cpus-per-task=4\n"), QStringLiteral("run sweep.yaml ")});
        row("stopped: requeued", nothing, {}, {}, stopped, 75, {QStringLiteral("scontrol requeue 7_2\n")});
        row("stopped again: requeued", nothing, {QStringLiteral("SLURM_RESTART_COUNT=2")}, {}, stopped, 75,
            {QStringLiteral("scontrol requeue 7_2\n")});
        row("stopped too often: not requeued", nothing, {QStringLiteral("SLURM_RESTART_COUNT=3")}, {}, stopped, 75,
            {QStringLiteral("run "), QStringLiteral("!scontrol")});
        row("failed: not requeued", nothing, {}, {}, QStringLiteral("exit 3"), 3, {QStringLiteral("!scontrol")});
        row("warned: passed on and requeued", nothing, {}, {},
            QStringLiteral("trap 'echo warned; exit 75' USR1; kill -USR1 $PPID; while :; do sleep 0.05; done"), 75,
            {QStringLiteral("warned\n"), QStringLiteral("scontrol requeue 7_2\n")});
        row("warned twice", nothing, {}, {},
            QStringLiteral("trap 'n=$((n + 1)); [ $n -lt 2 ] || { echo twice; exit 75; }; kill -USR1 $PPID' USR1; n=0; "
                           "kill -USR1 $PPID; "
                           "while :; do sleep 0.05; done"),
            75, {QStringLiteral("twice\n"), QStringLiteral("scontrol requeue 7_2\n")});
        row("cancelled: stopped, not requeued", nothing, {}, {},
            QStringLiteral("trap 'echo asked; exit 75' USR1; kill -TERM $PPID; while :; do sleep 0.05; done"), 75,
            {QStringLiteral("asked\n"), QStringLiteral("!scontrol")});
    }
    void elementRuns()
    {
        QFETCH(Change, change);
        QFETCH(QStringList, environment);
        QFETCH(QStringList, arguments);
        QFETCH(QString, program);
        QFETCH(int, status);
        QFETCH(QStringList, said);
        QTemporaryDir folder;
        const auto standIn = [&](const QString& name, const QString& text) {
            QFile file(folder.filePath(name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write("#!/bin/bash\n" + text.toUtf8() + '\n');
            QVERIFY(file.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner));
        };
        standIn(QStringLiteral("program"), QStringLiteral("echo \"$@\"; echo TMPDIR=$TMPDIR; ") + program);
        standIn(QStringLiteral("scontrol"), QStringLiteral("echo scontrol \"$@\""));
        standIn(QStringLiteral("srun"), QStringLiteral("echo srun \"$1\" \"$2\"; shift 2; exec \"$@\""));
        ArrayScript script = usual();
        script.program = folder.filePath(QStringLiteral("program")).toStdString();
        change(script);
        standIn(QStringLiteral("sweep.sbatch"), QString::fromStdString(arrayScript(script)));

        QProcess bash;
        bash.setWorkingDirectory(folder.path());
        QProcessEnvironment variables;
        variables.insert(QStringLiteral("PATH"), folder.path() + QStringLiteral(":/usr/bin:/bin"));
        variables.insert(QStringLiteral("SLURM_ARRAY_JOB_ID"), QStringLiteral("7"));
        variables.insert(QStringLiteral("SLURM_ARRAY_TASK_ID"), QStringLiteral("2"));
        variables.insert(QStringLiteral("SLURM_CPUS_PER_TASK"), QStringLiteral("4"));
        for (const QString& assignment : environment)
            variables.insert(assignment.section(QLatin1Char('='), 0, 0), assignment.section(QLatin1Char('='), 1));
        bash.setProcessEnvironment(variables);
        bash.start(QStringLiteral("/bin/bash"), QStringList {QStringLiteral("sweep.sbatch")} + arguments);
        QVERIFY(bash.waitForFinished());
        const QString out = QString::fromUtf8(bash.readAllStandardOutput());
        const QString err = QString::fromUtf8(bash.readAllStandardError());
        QVERIFY2(bash.exitStatus() == QProcess::NormalExit && bash.exitCode() == status, qPrintable(out + err));
        qsizetype at = 0;
        for (const QString& part : said) {
            if (part.startsWith(QLatin1Char('!'))) {
                QVERIFY2(!out.contains(part.mid(1)), qPrintable(out));
                continue;
            }
            at = out.indexOf(part, at);
            QVERIFY2(at >= 0, qPrintable(part + QStringLiteral("\nis missing in\n") + out + err));
        }
    }

    void outsideOfSlurmItSaysWhatToDo()
    {
        QProcess bash;
        QProcessEnvironment variables;
        variables.insert(QStringLiteral("PATH"), QStringLiteral("/usr/bin:/bin"));
        bash.setProcessEnvironment(variables);
        bash.start(QStringLiteral("/bin/bash"), {QStringLiteral("-s")});
        bash.write(QByteArray::fromStdString(arrayScript(usual())));
        bash.closeWriteChannel();
        QVERIFY(bash.waitForFinished());
        QVERIFY(bash.exitCode() != 0);
        QVERIFY(bash.readAllStandardError().contains("submit this script with sbatch"));
    }
};

QTEST_GUILESS_MAIN(TstArrayScript)
#include "tst_array_script.moc"
