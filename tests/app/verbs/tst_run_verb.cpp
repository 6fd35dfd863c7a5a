// SPDX-License-Identifier: Apache-2.0
// run, --batch and estimate through the built program, with workers whose trials do what their parameters say
// (tests/jobs/fake_worker.cpp).
#include "core/project/project_store.h"
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>

namespace {

constexpr auto kManifest = R"({
  "id": "fake/stage", "name": "Scripted", "version": "1", "kind": "stage", "summary": "Does what the test asks for.",
  "parameters": [
    {"name": "do", "type": "string", "default": "finish", "doc": "What happens."},
    {"name": "ms", "type": "integer", "default": 0, "minimum": 0, "maximum": 100000, "unit": "ms", "doc": "How long."},
    {"name": "bits", "type": "integer", "default": 4, "minimum": 2, "maximum": 8, "unit": "bit", "doc": "Nothing."},
    {"name": "code", "type": "string", "default": "Numerical", "doc": "Error code."},
    {"name": "n", "type": "integer", "default": 0, "minimum": 0, "maximum": 1000, "doc": "Makes a trial another one."}
  ]
})";

constexpr auto kHead = R"(paretoscope: 1
name: scripted
workload:
  kind: causal-lm
  model: %1
  evaluate:
    - perplexity: {corpus: %2, length: 64, windows: 2}
pipelines:
)";

const QString kModel = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");
const QString kCorpus = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/corpora/wiki.test.tokens");

void writeFile(const QString& path, const QByteArray& content)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(content);
}

QList<QJsonObject> linesOf(const QByteArray& out)
{
    QList<QJsonObject> lines;
    for (const QByteArray& line : out.split('\n')) {
        if (!line.isEmpty())
            lines << QJsonDocument::fromJson(line).object();
    }
    return lines;
}

} // namespace

class TstRunVerb : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(QDir(m_folder->path()).mkpath(QStringLiteral("plugins/fake/stage")));
        writeFile(path("plugins/fake/stage/manifest.json"), kManifest);
    }

    void runsEverythingThenNothing_data()
    {
        QTest::addColumn<QStringList>("command");
        QTest::addRow("run") << QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml")};
        QTest::addRow("--batch") << QStringList {QStringLiteral("--batch"), QStringLiteral("sweep.yaml")};
        QTest::addRow("--batch=") << QStringList {QStringLiteral("--batch=sweep.yaml")};
    }
    void runsEverythingThenNothing()
    {
        QFETCH(QStringList, command);
        writeSweep({"[]", "[stage: {n: [1, 2]}]"});
        const ProgramCall first = call(command + project());
        QVERIFY2(first.status == 0, qPrintable(first.described()));
        const QStringList lines = first.outText().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 4);
        QVERIFY2(lines[0].contains(QLatin1String("pipeline")) && lines[0].contains(QLatin1String("perplexity")),
                 qPrintable(first.described()));
        QVERIFY2(first.errText().contains(QLatin1String("3 trials: 3 done")), qPrintable(first.described()));
        QVERIFY(!first.out.contains('\x1b') && !first.err.contains('\x1b') && !first.err.contains('\r'));
        const ProgramCall second = call(command + project());
        QVERIFY2(second.status == 0, qPrintable(second.described()));
        QCOMPARE(second.out, first.out);
        QVERIFY2(second.errText().startsWith(QLatin1String("nothing to do: results.pscope holds all 3 trials")),
                 qPrintable(second.described()));
    }

    void elementsOfAnArrayRunIntoShards()
    {
        writeSweep({"[]", "[stage: {n: [1, 2, 3]}]"});
        const auto element = [&](int i) {
            return call({QStringLiteral("run"), QStringLiteral("sweep.yaml"), QStringLiteral("--shard"),
                         QStringLiteral("%1/2").arg(i), QStringLiteral("--project"), QStringLiteral("%1.psl").arg(i)});
        };
        const ProgramCall dry = call({QStringLiteral("estimate"), QStringLiteral("sweep.yaml"),
                                      QStringLiteral("--project"), QStringLiteral("1.psl"), QStringLiteral("--json")});
        QVERIFY2(dry.status == 0 && !QFile::exists(path("1.psl")), qPrintable(dry.described()));
        for (const int i : {0, 1}) {
            const ProgramCall first = element(i);
            QVERIFY2(first.status == 0, qPrintable(first.described()));
            QVERIFY2(first.errText().contains(QLatin1String("2 trials: 2 done")), qPrintable(first.described()));
        }
        QFile shard(path("1.psl"));
        QVERIFY(shard.open(QIODevice::ReadOnly));
        const QByteArray before = shard.readAll();
        const ProgramCall again = element(1); // requeued for nothing
        QVERIFY2(again.status == 0 && again.errText().startsWith(QLatin1String("nothing to do: 1.psl holds all 2")),
                 qPrintable(again.described()));
        QVERIFY(shard.seek(0));
        QCOMPARE(shard.readAll(), before);
        // An array of another size over the same folder: nothing is run twice.
        const ProgramCall other = call({QStringLiteral("run"), QStringLiteral("sweep.yaml"),
                                        QStringLiteral("--shard=2/3"), QStringLiteral("--project=other_2.psl")});
        QVERIFY2(other.status == 0 && other.errText().startsWith(QLatin1String("nothing to do: other_2.psl")),
                 qPrintable(other.described()));
        writeFile(path("broken.psl"), "no shard");
        const ProgramCall beside = element(0);
        QVERIFY2(beside.status == 0 && beside.errText().contains(QLatin1String("left out: ")) &&
                     beside.errText().contains(QLatin1String("broken.psl")),
                 qPrintable(beside.described()));
        const ProgramCall list = call({QStringLiteral("list"), QStringLiteral("1.psl")});
        QVERIFY2(list.status == 4 && list.errText().contains(QLatin1String("merge 1.psl --into")),
                 qPrintable(list.described()));
        const ProgramCall merged = call({QStringLiteral("merge"), QStringLiteral("0.psl"), QStringLiteral("1.psl"),
                                         QStringLiteral("--into"), QStringLiteral("results.pscope")});
        QVERIFY2(merged.status == 0 && merged.outText().contains(QLatin1String("added 4 trials")),
                 qPrintable(merged.described()));
        const ProgramCall whole = run({}); // the project holds all of the sweep
        QVERIFY2(whole.status == 0 &&
                     whole.errText().startsWith(QLatin1String("nothing to do: results.pscope holds all 4 trials")),
                 qPrintable(whole.described()));
    }

    void quietPrintsOnlyResults()
    {
        writeSweep({"[]"});
        const ProgramCall quiet = run({QStringLiteral("-q")});
        QVERIFY2(quiet.status == 0, qPrintable(quiet.described()));
        QCOMPARE(quiet.err, QByteArray());
        QVERIFY(!quiet.out.isEmpty());
    }

    void jsonIsOneDocument()
    {
        writeSweep({"[]", "[stage: {n: 1}]", "[stage: {do: fail, n: 2}]"});
        const ProgramCall call = run({QStringLiteral("--json")});
        QVERIFY2(call.status == 3, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.run/1"));
        QCOMPARE(json[QLatin1String("sweep")].toString(), QStringLiteral("scripted"));
        QCOMPARE(json[QLatin1String("project")].toString(), QStringLiteral("results.pscope"));
        QCOMPARE(json[QLatin1String("total")].toInt(), 3);
        QCOMPARE(json[QLatin1String("done")].toInt(), 2);
        QCOMPARE(json[QLatin1String("failed")].toInt(), 1);
        for (const char* key : {"skipped", "interrupted"})
            QCOMPARE(json[QLatin1String(key)].toInt(-1), 0);
        QVERIFY(json[QLatin1String("wall_seconds")].toDouble() > 0);
        const QJsonArray trials = json[QLatin1String("trials")].toArray();
        QCOMPARE(trials.size(), 3);
        QCOMPARE(trials[1][QLatin1String("pipeline")].toString(), QStringLiteral("stage(n=1)"));
        QCOMPARE(trials[1][QLatin1String("id")].toString().size(), 64);
        QCOMPARE(trials[1][QLatin1String("status")].toString(), QStringLiteral("done"));
        QVERIFY(trials[1][QLatin1String("metrics")].toObject()[QLatin1String("perplexity")].isDouble());
        QVERIFY(trials[1][QLatin1String("metrics")].toObject()[QLatin1String("stored_bytes")].isDouble());
        QCOMPARE(trials[2][QLatin1String("status")].toString(), QStringLiteral("failed"));
        QCOMPARE(trials[2][QLatin1String("error")][QLatin1String("code")].toString(), QStringLiteral("Numerical"));
    }

    void eventsAreOneALine()
    {
        writeSweep({"[]", "[stage: {do: fail, n: 1}]"});
        const ProgramCall call = run({QStringLiteral("--json-lines"), QStringLiteral("--jobs"), QStringLiteral("1")});
        QVERIFY2(call.status == 3, qPrintable(call.described()));
        QStringList events;
        QStringList workers;
        QStringList queue;
        for (const QJsonObject& line : linesOf(call.out)) {
            QCOMPARE(line[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.event/1"));
            QVERIFY(QDateTime::fromString(line[QLatin1String("time")].toString(), Qt::ISODateWithMs).isValid());
            const QString event = line[QLatin1String("event")].toString();
            if (event.startsWith(QLatin1String("trial_")))
                QCOMPARE(line[QLatin1String("trial")].toString().size(), 64);
            if (event == QLatin1String("trial_progress"))
                QVERIFY(line[QLatin1String("elapsed_seconds")].isDouble());
            else if (event == QLatin1String("worker"))
                workers << line[QLatin1String("activity")].toString();
            else if (event == QLatin1String("queue"))
                queue << QStringLiteral("%1/%2")
                             .arg(line[QLatin1String("waiting")].toInt())
                             .arg(line[QLatin1String("running")].toInt());
            else
                events << event;
        }
        QCOMPARE(
            events.join(QLatin1Char(' ')),
            QStringLiteral("sweep_started trial_started trial_finished trial_started trial_finished sweep_finished"));
        QCOMPARE(queue.join(QLatin1Char(' ')), QStringLiteral("1/1 1/0 0/1 0/0"));
        QVERIFY2(workers.startsWith(QStringLiteral("starting")) && workers.contains(QLatin1String("idle")) &&
                     workers.count(QStringLiteral("busy")) >= 2 && workers.endsWith(QStringLiteral("gone")),
                 qPrintable(workers.join(QLatin1Char(' '))));
    }

    void failedTrialsAreToldAndCounted()
    {
        writeSweep({"[]", "[stage: {do: fail, n: [1, 2]}]"});
        const ProgramCall first = run();
        QVERIFY2(first.status == 3, qPrintable(first.described()));
        QVERIFY2(first.errText().contains(QLatin1String("failed: stage(do=fail,n=1): layer 3: it went wrong")),
                 qPrintable(first.described()));
        QVERIFY2(first.errText().contains(QLatin1String("and 1 other trial")), qPrintable(first.described()));
        QVERIFY2(first.errText().contains(QLatin1String("try something else")), qPrintable(first.described()));
        QVERIFY2(first.errText().contains(QLatin1String("2 failed")), qPrintable(first.described()));
        // Left alone until one asks for it, but not forgotten.
        const ProgramCall second = run();
        QVERIFY2(second.status == 3, qPrintable(second.described()));
        QVERIFY2(second.errText().contains(QLatin1String("--retry failed")), qPrintable(second.described()));
        const ProgramCall third = run({QStringLiteral("--retry"), QStringLiteral("failed"), QStringLiteral("--json")});
        QCOMPARE(third.json()[QLatin1String("failed")].toInt(), 2);
    }

    void failFastStops()
    {
        writeSweep({"[stage: {do: fail, n: 1}]", "[stage: {n: [2, 3, 4]}]"});
        const ProgramCall call =
            run({QStringLiteral("--fail-fast"), QStringLiteral("--jobs=1"), QStringLiteral("--json")});
        QVERIFY2(call.status == 3, qPrintable(call.described()));
        QVERIFY2(call.json()[QLatin1String("interrupted")].toInt() == 3, qPrintable(call.described()));
    }

    void lostWorkerIsTold()
    {
        writeSweep({"[stage: {do: kill, n: 1}]", "[]"});
        const ProgramCall call = run();
        QVERIFY2(call.status == 3, qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("was lost")), qPrintable(call.described()));
    }

    void hangingTrialIsEnded()
    {
        writeSweep({"[stage: {do: hang, n: 1}]", "[]"});
        const ProgramCall call = run({QStringLiteral("--stall-limit=1s")});
        QVERIFY2(call.status == 3, qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("made no progress for 1 s")) &&
                     call.errText().contains(QLatin1String("--stall-limit")),
                 qPrintable(call.described()));
        QVERIFY2(call.errText().contains(QLatin1String("1 done, 1 failed")), qPrintable(call.described()));
    }

    void selectsTrials_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("total");
        QTest::addColumn<int>("done");
        QTest::addRow("only") << QStringList {QStringLiteral("--only"), QStringLiteral("n=2")} << 1 << 1;
        QTest::addRow("shard 0/2") << QStringList {QStringLiteral("--shard=0/2")} << 2 << 2;
        QTest::addRow("shard 1/2") << QStringList {QStringLiteral("--shard=1/2")} << 2 << 2;
        QTest::addRow("max trials") << QStringList {QStringLiteral("--max-trials=1")} << 4 << 1;
        QTest::addRow("set replaces") << QStringList {QStringLiteral("--set"), QStringLiteral("stage.stage.n=7,8")} << 3
                                      << 3;
    }
    void selectsTrials()
    {
        QFETCH(QStringList, options);
        QFETCH(int, total);
        QFETCH(int, done);
        writeSweep({"[]", "[stage: {n: [1, 2, 3]}]"});
        const ProgramCall call = run(options + QStringList {QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("total")].toInt(), total);
        QCOMPARE(call.json()[QLatin1String("done")].toInt(), done);
    }

    void timeLimitLeavesWork()
    {
        writeSweep({"[stage: {n: [1, 2, 3, 4, 5, 6], ms: 400}]"});
        const ProgramCall call =
            run({QStringLiteral("--time-limit=1s"), QStringLiteral("--jobs=1"), QStringLiteral("--json")});
        QVERIFY2(call.status == 75, qPrintable(call.described()));
        QVERIFY(call.json()[QLatin1String("done")].toInt() < 6);
    }

    void readsTheSweepFromStdin()
    {
        ProgramSetting setting = surroundings();
        setting.input = sweepText({"[]"});
        const ProgramCall call =
            callProgram(QStringList {QStringLiteral("--batch"), QStringLiteral("-")} + project(), setting);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
    }

    void estimateWritesNothing_data()
    {
        QTest::addColumn<QStringList>("verb");
        QTest::addRow("estimate") << QStringList {QStringLiteral("estimate"), QStringLiteral("sweep.yaml")};
        QTest::addRow("run --dry-run") << QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml"),
                                                       QStringLiteral("--dry-run")};
        QTest::addRow("--batch --dry-run")
            << QStringList {QStringLiteral("--dry-run"), QStringLiteral("--batch"), QStringLiteral("sweep.yaml")};
    }
    void estimateWritesNothing()
    {
        QFETCH(QStringList, verb);
        writeSweep({"[]", "[stage: {n: [1, 2, 3]}]"});
        const QStringList json {QStringLiteral("--json")};
        QJsonObject plan = call(verb + project() + json).json();
        QCOMPARE(plan[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.estimate/1"));
        QCOMPARE(plan[QLatin1String("total")].toInt(), 4);
        QCOMPARE(plan[QLatin1String("remaining")].toInt(), 4);
        QVERIFY(plan[QLatin1String("estimated_seconds")].isNull());
        QVERIFY(!QFile::exists(path("results.pscope")));

        QCOMPARE(run({QStringLiteral("--max-trials=2")}).status, 0);
        plan = call(verb + project() + json).json();
        QCOMPARE(plan[QLatin1String("done")].toInt(), 2);
        QCOMPARE(plan[QLatin1String("remaining")].toInt(), 2);
        // What ran took half a second each, and one is left for each of two workers.
        QVERIFY2(plan[QLatin1String("estimated_seconds")].toDouble() > 0, QJsonDocument(plan).toJson().constData());
        const ProgramCall text = call(verb + project());
        QVERIFY2(text.status == 0 && text.outText().contains(QLatin1String("4 trials: 2 to run, 2 done")),
                 qPrintable(text.described()));
        QVERIFY2(text.outText().contains(QLatin1String("this takes about")), qPrintable(text.described()));
    }

    void estimateShowsWhatTrialsShare()
    {
        writeSweep({"[]", "[stage: {n: 1}, stage: {n: [2, 3]}]"});
        const QStringList estimate {QStringLiteral("estimate"), QStringLiteral("sweep.yaml")};
        const QJsonObject plan = call(estimate + project() + QStringList {QStringLiteral("--json")}).json();
        QStringList nodes;
        for (const QJsonValue& value : plan[QLatin1String("tree")].toArray()) {
            const QJsonObject node = value.toObject();
            nodes << node[QLatin1String("kind")].toString() + QLatin1Char(' ') +
                         node[QLatin1String("pipeline")].toString() + QLatin1Char(' ') +
                         QString::number(node[QLatin1String("parent")].toInt(-1)) + QLatin1Char(' ') +
                         QString::number(node[QLatin1String("trials")].toInt());
            QCOMPARE(node[QLatin1String("cached")], QJsonValue(false));
        }
        QCOMPARE(nodes, (QStringList {
                            QStringLiteral("model baseline -1 3"), QStringLiteral("measurements baseline 0 1"),
                            QStringLiteral("stage stage(n=1) 0 2"), QStringLiteral("stage stage(n=1) + stage(n=2) 2 1"),
                            QStringLiteral("measurements stage(n=1) + stage(n=2) 3 1"),
                            QStringLiteral("stage stage(n=1) + stage(n=3) 2 1"),
                            QStringLiteral("measurements stage(n=1) + stage(n=3) 5 1")}));
        const ProgramCall text = call(estimate + project());
        const QStringList lines = text.outText().split(QLatin1Char('\n'));
        QVERIFY2(lines.value(2).startsWith(QLatin1String("[stage(n=1)]")), qPrintable(text.described()));
        QVERIFY2(lines.value(2).endsWith(QLatin1String("shared by 2")), qPrintable(text.described()));
        QVERIFY2(lines.value(3).startsWith(QLatin1String("  stage(n=1) + stage(n=2)")), qPrintable(text.described()));
    }

    void signalStopsGracefullyAndResumes_data()
    {
        QTest::addColumn<int>("signal");
        QTest::addRow("SIGINT") << SIGINT;
        QTest::addRow("SIGTERM") << SIGTERM;
        QTest::addRow("SIGUSR1") << SIGUSR1;
        QTest::addRow("SIGUSR2") << SIGUSR2;
    }
    void signalStopsGracefullyAndResumes()
    {
        QFETCH(int, signal);
        writeSweep({"[]", "[stage: {n: [1, 2, 3], ms: 500}]"});
        QProcess process;
        startAndWaitForATrial(process);
        ::kill(static_cast<pid_t>(process.processId()), signal);
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.exitStatus(), QProcess::NormalExit);
        QCOMPARE(process.exitCode(), 75);
        const ProgramCall again = run({QStringLiteral("--json")});
        QVERIFY2(again.status == 0, qPrintable(again.described()));
        const QJsonObject json = again.json();
        QCOMPARE(json[QLatin1String("total")].toInt(), 4);
        QVERIFY(json[QLatin1String("skipped")].toInt() >= 1);
        QCOMPARE(json[QLatin1String("skipped")].toInt() + json[QLatin1String("done")].toInt(), 4);
    }

    /// Slurm warns by SIGUSR1 and sends SIGTERM at the limit: that is no second request to end at once.
    void terminationAfterAWarningIsGraceful()
    {
        writeSweep({"[]", "[stage: {do: deaf, n: 1, ms: 2000}]"});
        QProcess process;
        startAndWaitForATrial(process);
        ::kill(static_cast<pid_t>(process.processId()), SIGUSR1);
        QTRY_VERIFY_WITH_TIMEOUT(m_events.append(process.readAllStandardOutput()).contains("\"stopping\""), 10'000);
        ::kill(static_cast<pid_t>(process.processId()), SIGTERM);
        QVERIFY(process.waitForFinished());
        QVERIFY(process.exitStatus() == QProcess::NormalExit);
        // The trial that would not be interrupted has ended by itself, so nothing is left to do.
        QCOMPARE(process.exitCode(), 0);
        QCOMPARE(run({QStringLiteral("--json")}).json()[QLatin1String("skipped")].toInt(), 2);
    }

    void secondSignalEndsAtOnce_data()
    {
        QTest::addColumn<int>("signal");
        QTest::addColumn<int>("status");
        QTest::addRow("SIGINT") << SIGINT << 130;
        QTest::addRow("SIGTERM") << SIGTERM << 143;
    }
    void secondSignalEndsAtOnce()
    {
        QFETCH(int, signal);
        QFETCH(int, status);
        // A worker that is deaf to the graceful stop.
        writeSweep({"[]", "[stage: {do: deaf, n: 1, ms: 30000}]"});
        QProcess process;
        startAndWaitForATrial(process);
        ::kill(static_cast<pid_t>(process.processId()), signal);
        QTRY_VERIFY_WITH_TIMEOUT(m_events.append(process.readAllStandardOutput()).contains("\"stopping\""), 10'000);
        ::kill(static_cast<pid_t>(process.processId()), signal);
        QElapsedTimer clock;
        clock.start();
        QVERIFY(process.waitForFinished());
        QVERIFY(clock.elapsed() < 15'000);
        QCOMPARE(process.exitCode(), status);
    }

    void hangUpIsIgnored()
    {
        writeSweep({"[]", "[stage: {n: [1, 2], ms: 300}]"});
        QProcess process;
        startAndWaitForATrial(process);
        ::kill(static_cast<pid_t>(process.processId()), SIGHUP);
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.exitCode(), 0);
    }

    void refusals_data()
    {
        QTest::addColumn<QByteArray>("sweep"); // "": as it should be
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const QByteArray& sweep, const QStringList& options, int status,
                            const char* code, const QStringList& parts) {
            QTest::addRow("%s", tag) << sweep << options << status << QString::fromLatin1(code) << parts;
        };
        const QString file = QStringLiteral("sweep.yaml");
        row("missing sweep file", "-", {}, 4, "NotFound", {file});
        row("broken YAML", "paretoscope: [1\n", {}, 4, "", {file});
        row("unknown plugin", sweepText({"[stagee: {}]"}), {}, 4, "",
            {file, QStringLiteral("stagee"), QStringLiteral("did you mean \"stage\"")});
        row("misspelt parameter", sweepText({"[stage: {bitz: 4}]"}), {}, 4, "InvalidArgument",
            {file, QStringLiteral("bitz"), QStringLiteral("did you mean \"bits\"")});
        row("bits 5.5", sweepText({"[stage: {bits: 5.5}]"}), {}, 4, "InvalidArgument",
            {file, QStringLiteral("bits"), QStringLiteral("5.5"), QStringLiteral("2 to 8")});
        row("bits 9", sweepText({"[stage: {bits: 9}]"}), {}, 4, "InvalidArgument",
            {file, QStringLiteral("bits"), QStringLiteral("9"), QStringLiteral("2 to 8")});
        row("missing model", sweepText({"[]"}, QStringLiteral("/nonexistent/model")), {}, 4, "NotFound",
            {QStringLiteral("/nonexistent/model")});
        row("missing corpus", sweepText({"[]"}, kModel, QStringLiteral("/nonexistent/corpus")), {}, 4, "NotFound",
            {QStringLiteral("/nonexistent/corpus")});
        row("a folder as corpus", sweepText({"[]"}, kModel, kModel), {}, 4, "", {kModel});
        row("misspelt override", "", {QStringLiteral("--set"), QStringLiteral("stage.stage.bitz=3")}, 4,
            "InvalidArgument", {QStringLiteral("bitz")});
        row("project not named", "", {QStringLiteral("--project")}, 2, "InvalidArgument",
            {QStringLiteral("--project needs a value: FILE")});
        row("no project", "", {QStringLiteral("--project=")}, 2, "", {QStringLiteral("--project")});
        row("project in a missing folder", "", {QStringLiteral("--project=/nonexistent/folder/p.pscope")}, 4,
            "NotFound", {QStringLiteral("/nonexistent/folder")});
        row("a folder as project", "", {QStringLiteral("--project=plugins")}, -1, "", {QStringLiteral("plugins")});
        row("a sweep as project", "", {QStringLiteral("--project=sweep.yaml")}, 4, "Corrupt", {file});
        row("wrong number", "", {QStringLiteral("--jobs=many")}, 2, "InvalidArgument",
            {QStringLiteral("--jobs"), QStringLiteral("many")});
        row("wrong shard", "", {QStringLiteral("--shard=4/4")}, 2, "InvalidArgument",
            {QStringLiteral("--shard"), QStringLiteral("4/4"), QStringLiteral("0/4")});
        row("wrong time", "", {QStringLiteral("--time-limit=soon")}, 2, "InvalidArgument",
            {QStringLiteral("--time-limit"), QStringLiteral("soon"), QStringLiteral("3h50m")});
        row("no time at all", "", {QStringLiteral("--stall-limit=0s")}, 2, "InvalidArgument",
            {QStringLiteral("--stall-limit"), QStringLiteral("0s"), QStringLiteral("3h50m")});
        row("wrong size", "", {QStringLiteral("--memory-budget=lots")}, 2, "InvalidArgument",
            {QStringLiteral("--memory-budget"), QStringLiteral("lots"), QStringLiteral("4GiB")});
        row("less memory than a trial takes", "", {QStringLiteral("--memory-budget=1KiB")}, 6, "OutOfMemory",
            {QStringLiteral("--memory-budget")});
        row("wrong device", "", {QStringLiteral("--device=gpu7")}, 2, "InvalidArgument", {QStringLiteral("gpu7")});
        row("wrong retry", "", {QStringLiteral("--retry=fialed")}, 2, "InvalidArgument",
            {QStringLiteral("did you mean \"failed\"")});
        row("shard of a divided sweep", "", {QStringLiteral("--executor=slurm"), QStringLiteral("--shard=0/2")}, 2,
            "InvalidArgument", {QStringLiteral("--shard"), QStringLiteral("--only")});
        row("no number of elements", "", {QStringLiteral("--executor=slurm"), QStringLiteral("--slurm-array=0-3")}, 2,
            "InvalidArgument", {QStringLiteral("--slurm-array"), QStringLiteral("200%16")});
        row("both ways after a failure", "", {QStringLiteral("--fail-fast"), QStringLiteral("--keep-going")}, 2,
            "InvalidArgument", {QStringLiteral("--fail-fast")});
        row("nothing selected", "", {QStringLiteral("--only=nothing")}, -1, "InvalidArgument",
            {QStringLiteral("nothing")});
        row("misspelt option", "", {QStringLiteral("--job=3")}, 2, "InvalidArgument",
            {QStringLiteral("did you mean \"--jobs\"")});
    }
    void refusals()
    {
        QFETCH(QByteArray, sweep);
        QFETCH(QStringList, options);
        QFETCH(int, status); // -1: any but success
        QFETCH(QString, code);
        QFETCH(QStringList, parts);
        if (sweep != "-")
            writeFile(path("sweep.yaml"), sweep.isEmpty() ? sweepText({"[]"}) : sweep);
        const ProgramCall text = run(options);
        QVERIFY2(status < 0 ? text.status > 0 : text.status == status, qPrintable(text.described()));
        QVERIFY2(text.out.isEmpty() && text.err.count('\n') == 1, qPrintable(text.described()));
        for (const QString& part : parts)
            QVERIFY2(text.errText().contains(part), qPrintable(text.described()));
        // Nothing half-made is left.
        QVERIFY2(!QFile::exists(path("results.pscope")), qPrintable(text.described()));
        const ProgramCall json = run(options + QStringList {QStringLiteral("--json")});
        QCOMPARE(json.status, text.status);
        QCOMPARE(json.json()[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.error/1"));
        if (!code.isEmpty())
            QCOMPARE(json.json()[QLatin1String("code")].toString(), code);
    }

    void busyProjectNamesItsWriter()
    {
        writeSweep({"[]"});
        const auto writer = paretoscope::core::ProjectStore::open(path("results.pscope").toStdString(),
                                                                  paretoscope::core::OpenMode::Create);
        QVERIFY(writer.ok());
        const ProgramCall call = run({QStringLiteral("--json")});
        QVERIFY2(call.status == 5, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("code")].toString(), QStringLiteral("Busy"));
        QVERIFY2(call.errText().contains(QString::number(QCoreApplication::applicationPid())),
                 qPrintable(call.described()));
    }

    void newerProjectIsRefused()
    {
        writeSweep({"[]"});
        QCOMPARE(run().status, 0);
        QFile file(path("results.pscope"));
        QVERIFY(file.open(QIODevice::ReadWrite));
        file.seek(60); // user_version, big-endian
        file.write(QByteArray::fromHex("00000063"));
        file.close();
        const QByteArray before = contentOf(file.fileName());
        const ProgramCall call = run({QStringLiteral("--json")});
        QVERIFY2(call.status == 5, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("code")].toString(), QStringLiteral("Unsupported"));
        QVERIFY2(call.errText().contains(QLatin1String("99")), qPrintable(call.described()));
        QVERIFY(contentOf(file.fileName()) == before);
        QCOMPARE(callProgram({QStringLiteral("list"), file.fileName()}, surroundings()).status, 5);
    }

    void missingWorkerIsNamedOnlyWhenNeeded()
    {
        writeSweep({"[]"});
        ProgramSetting without = surroundings();
        without.environment << QStringLiteral("PARETOSCOPE_WORKER=/nonexistent/worker");
        const QStringList arguments = QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml")} + project();
        const ProgramCall refused = callProgram(arguments, without);
        QVERIFY2(refused.status == 1 && refused.out.isEmpty(), qPrintable(refused.described()));
        QVERIFY2(refused.errText().contains(QLatin1String("PARETOSCOPE_WORKER")), qPrintable(refused.described()));
        QCOMPARE(run().status, 0);
        // All is there: no worker is needed to say so.
        QCOMPARE(callProgram(arguments, without).status, 0);
    }

    /// Whoever reads the events may go; the sweep goes on.
    void goneReaderEndsNoSweep()
    {
        writeSweep({"[]", "[stage: {n: [1, 2], ms: 200}]"});
        QProcess process;
        startAndWaitForATrial(process);
        process.closeReadChannel(QProcess::StandardOutput);
        QVERIFY(process.waitForFinished());
        QVERIFY(process.exitStatus() == QProcess::NormalExit);
        QCOMPARE(run({QStringLiteral("--json")}).json()[QLatin1String("skipped")].toInt(), 3);
    }

    void logFileTellsTheStory()
    {
        writeSweep({"[]", "[stage: {do: fail, n: 1}]"});
        QCOMPARE(run({QStringLiteral("--log-file=run.log")}).status, 3);
        const QString log = QString::fromUtf8(contentOf(path("run.log")));
        static const QRegularExpression stamp(
            QStringLiteral("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info app "));
        for (const QString& line : log.split(QLatin1Char('\n'), Qt::SkipEmptyParts))
            QVERIFY2(stamp.match(line).hasMatch(), qPrintable(line));
        for (const char* part : {"command=\"paretoscope run sweep.yaml", "trial started", "status=done",
                                 "status=failed", "it went wrong", "sweep ended"})
            QVERIFY2(log.contains(QLatin1String(part)), qPrintable(log));
        const ProgramCall refused = run({QStringLiteral("--log-file=plugins")});
        QVERIFY2(refused.status == 4 && refused.errText().contains(QLatin1String("plugins")),
                 qPrintable(refused.described()));
    }

    void driversChooseByResults()
    {
        writeFile(path("sweep.yaml"), sweepText({"[]", "[stage: {n: {from: 0, to: 1000}}]"}) +
                                          "driver: {nsga2: {population: 3, generations: 2}}\n");
        const ProgramCall dry = run({QStringLiteral("--dry-run")});
        QVERIFY2(dry.status == 0 && dry.outText().contains(QLatin1String("4 trials: 4 to run, 0 done")) &&
                     dry.outText().contains(
                         QLatin1String("driver nsga2 chooses further trials when the open ones are measured")),
                 qPrintable(dry.described()));
        const QJsonObject plan = run({QStringLiteral("--dry-run"), QStringLiteral("--json")}).json();
        QCOMPARE(plan[QLatin1String("driver")].toString(), QStringLiteral("nsga2"));
        QVERIFY(plan[QLatin1String("further_trials")].toBool());
        const ProgramCall part = run({QStringLiteral("--max-trials=2"), QStringLiteral("--json")});
        QVERIFY2(part.status == 0 && part.json()[QLatin1String("done")].toInt() == 2, qPrintable(part.described()));
        const ProgramCall rest = run({QStringLiteral("--json-lines")});
        QVERIFY2(rest.status == 0, qPrintable(rest.described()));
        int batches = 0;
        for (const QJsonObject& event : linesOf(rest.out))
            batches += event[QLatin1String("event")].toString() == QLatin1String("batch_started") ? 1 : 0;
        QCOMPARE(batches, 1);
        const ProgramCall again = run();
        QVERIFY2(again.status == 0 &&
                     again.errText().startsWith(QLatin1String("nothing to do: results.pscope holds all 7 trials")),
                 qPrintable(again.described()));
    }

    void driversThatGoByResultsCannotBeDivided_data()
    {
        QTest::addColumn<QStringList>("command");
        const QString sweep = QStringLiteral("sweep.yaml");
        QTest::addRow("shard") << (QStringList {QStringLiteral("run"), sweep, QStringLiteral("--shard=0/2")} +
                                   project());
        QTest::addRow("estimate of a shard")
            << (QStringList {QStringLiteral("estimate"), sweep, QStringLiteral("--shard=0/2")} + project());
        QTest::addRow("slurm-script") << QStringList {QStringLiteral("slurm-script"), sweep};
        QTest::addRow("executor") << (QStringList {QStringLiteral("run"), sweep, QStringLiteral("--executor=slurm")} +
                                      project());
    }
    void driversThatGoByResultsCannotBeDivided()
    {
        QFETCH(QStringList, command);
        writeFile(path("sweep.yaml"),
                  sweepText({"[stage: {n: {from: 0, to: 1000}}]"}) + "driver: {nsga2: {population: 3}}\n");
        const ProgramCall refused = call(command);
        QVERIFY2(refused.status != 0 && refused.errText().contains(QLatin1String(
                                            "driver nsga2 chooses trials by the results of others, so its sweep cannot "
                                            "be divided into shards")),
                 qPrintable(refused.described()));
    }

    void patternsAreShownAndMustMatch()
    {
        QVERIFY(QDir(m_folder->path()).mkpath(QStringLiteral("plugins/fake/picky")));
        writeFile(path("plugins/fake/picky/manifest.json"), R"({
  "id": "fake/picky", "name": "Picky", "version": "1", "kind": "stage", "summary": "Takes weights by patterns.",
  "parameters": [{"name": "include", "type": "array", "items": "string", "default": [], "doc": "Which."}]})");
        writeSweep({"[picky]", "[picky: {include: [\"*.mlp.*\"]}]"});
        const ProgramCall dry = run({QStringLiteral("--dry-run")});
        QVERIFY2(dry.status == 0 && dry.outText().contains(QLatin1String("picky(include=[*.mlp.*])")) &&
                     dry.outText().contains(QLatin1String("12 of 28")) &&
                     dry.outText().contains(QLatin1String("model.layers.*.mlp.down_proj (4)")),
                 qPrintable(dry.described()));
        writeSweep({"[]", "[picky: {include: [\"*.experts.*\"]}]"});
        for (const QString& option : {QStringLiteral("--dry-run"), QStringLiteral("--jobs=1")}) {
            const ProgramCall refused = run({option});
            QVERIFY2(refused.status == 4 &&
                         refused.errText().contains(
                             QLatin1String("picky(include=[*.experts.*]): include: \"*.experts.*\" matches no weight "
                                           "of this model")),
                     qPrintable(refused.described()));
        }
        QVERIFY(!QFile::exists(path("results.pscope")));
    }

    void provenanceHoldsTheJob()
    {
        writeSweep({"[]"});
        ProgramSetting setting = surroundings();
        setting.environment << QStringLiteral("SLURM_JOB_ID=9") << QStringLiteral("SLURM_ARRAY_JOB_ID=7")
                            << QStringLiteral("SLURM_ARRAY_TASK_ID=2") << QStringLiteral("SLURM_RESTART_COUNT=1");
        QCOMPARE(
            callProgram(QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml")} + project(), setting).status,
            0);
        const QJsonObject trial = callProgram({QStringLiteral("show"), path("results.pscope"),
                                               QStringLiteral("baseline"), QStringLiteral("--json")})
                                      .json();
        QCOMPARE(trial[QLatin1String("provenance")][QLatin1String("slurm")].toObject(),
                 (QJsonObject {{QStringLiteral("job"), 9},
                               {QStringLiteral("array_job"), 7},
                               {QStringLiteral("array_task"), 2},
                               {QStringLiteral("restarts"), 1}}));
    }

    void provenanceHoldsTheCommand()
    {
        writeSweep({"[]"});
        QCOMPARE(run({QStringLiteral("--only"), QStringLiteral("base")}).status, 0);
        const QJsonObject trial = callProgram({QStringLiteral("show"), path("results.pscope"),
                                               QStringLiteral("baseline"), QStringLiteral("--json")})
                                      .json();
        QCOMPARE(trial[QLatin1String("provenance")][QLatin1String("command")].toString(),
                 QStringLiteral("paretoscope run sweep.yaml --project results.pscope --only base"));
    }

private:
    QString path(const char* name) const { return m_folder->filePath(QLatin1String(name)); }

    static QByteArray contentOf(const QString& name)
    {
        QFile file(name);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }

    static QByteArray sweepText(const QList<QByteArray>& pipelines, const QString& model = kModel,
                                const QString& corpus = kCorpus)
    {
        QByteArray text = QString::fromLatin1(kHead).arg(model, corpus).toUtf8();
        for (const QByteArray& pipeline : pipelines)
            text += "  - " + pipeline + "\n";
        return text + "objectives: [perplexity, stored_bytes]\n";
    }
    void writeSweep(const QList<QByteArray>& pipelines) { writeFile(path("sweep.yaml"), sweepText(pipelines)); }

    ProgramSetting surroundings() const
    {
        ProgramSetting setting;
        setting.folder = m_folder->path();
        setting.environment << QStringLiteral("PARETOSCOPE_PLUGINS=") + path("plugins")
                            << QStringLiteral("PARETOSCOPE_WORKER=" PARETOSCOPE_FAKE_WORKER)
                            << QStringLiteral("PARETOSCOPE_CACHE=") + path("cache");
        return setting;
    }
    static QStringList project() { return {QStringLiteral("--project"), QStringLiteral("results.pscope")}; }
    ProgramCall call(const QStringList& arguments) const { return callProgram(arguments, surroundings()); }
    ProgramCall run(const QStringList& options = {}) const
    {
        return call(QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml")} + project() + options);
    }

    /// Starts the sweep with events on stdout; returns when the first trial is done and another one is being worked on.
    void startAndWaitForATrial(QProcess& process)
    {
        m_events.clear();
        const ProgramSetting setting = surroundings();
        process.setProcessEnvironment(programEnvironment(setting));
        process.setWorkingDirectory(setting.folder);
        process.start(programPath(), QStringList {QStringLiteral("run"), QStringLiteral("sweep.yaml"),
                                                  QStringLiteral("--json-lines"), QStringLiteral("--jobs=1")} +
                                         project());
        QTRY_VERIFY_WITH_TIMEOUT(isAfterFirstTrial(m_events.append(process.readAllStandardOutput())), 30'000);
    }
    static bool isAfterFirstTrial(const QByteArray& events)
    {
        const qsizetype finished = events.indexOf("\"trial_finished\"");
        return finished >= 0 && events.indexOf("\"trial_progress\"", finished) > 0;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    QByteArray m_events;
};

QTEST_GUILESS_MAIN(TstRunVerb)
#include "tst_run_verb.moc"
