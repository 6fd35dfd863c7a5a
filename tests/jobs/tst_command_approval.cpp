// SPDX-License-Identifier: Apache-2.0
#include "jobs/command_approval.h"

#include "core/sweep/trial_exchange.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

namespace {

const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;

core::Sweep sweepOf(const std::string& rest)
{
    const auto plugins = core::PluginCatalogue::scan({kResources / "../plugins"});
    auto sweep = core::parseSweep(
        "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
        "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 64, windows: 2}\n"
        "pipelines:\n" +
            rest,
        kResources / "test.yaml", plugins);
    if (!sweep.ok())
        qFatal("%s", sweep.error().sentence().c_str());
    return std::move(sweep).value();
}

QStringList listed(const core::Sweep& sweep)
{
    QStringList commands;
    for (const jobs::SweepCommand& command : jobs::describedCommands(sweep))
        commands << QString::fromStdString(command.line);
    return commands;
}

/// As if these trials of the sweep had run, with all that it measures.
core::Status finishTrials(const core::Sweep& sweep, const QList<int>& done, const std::filesystem::path& project)
{
    PSC_ASSIGN(const core::WorkloadIdentity identity, core::identifySweep(sweep));
    const std::vector<core::PlannedTrial> planned = core::planTrials(sweep, identity);
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::Create));
    for (const int trial : done) {
        core::TrialRecord record;
        record.id = planned[std::size_t(trial)].id;
        record.label = planned[std::size_t(trial)].pipeline.label();
        record.pipeline = core::toJson(planned[std::size_t(trial)].pipeline);
        record.workload = "tiny-llama";
        record.status = core::TrialStatus::Done;
        core::MetricRecord metric;
        metric.name = "perplexity";
        metric.value = 5;
        metric.protocol = identity.protocolIds.front();
        record.metrics.push_back(std::move(metric));
        PSC_TRY(store.finishTrial(record));
    }
    return core::success();
}

} // namespace

class TstCommandApproval : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("PARETOSCOPE_PLUGINS", (kResources / "../plugins").c_str()); }

    void commandsAreListedWholeAndOnce_data()
    {
        QTest::addColumn<std::string>("rest"); // of the sweep
        QTest::addColumn<QStringList>("expected");
        const QString script = QString::fromStdString((kResources / "demo/tiny-llama.yaml").string());
        QTest::addRow("none") << std::string("  - []\n  - [rtn: {bits: 3}]\n") << QStringList();
        QTest::addRow("two of a grid") << std::string(
                                              "  - [external: {command: [[sh, -c, 'rm \"$1\"', '{model}'], [sh, b]]}]\n"
                                              "  - [external: {command: [sh, b]}, rtn: {bits: 3}]\n")
                                       << QStringList {QStringLiteral("sh -c 'rm \"$1\"' '{model}'"),
                                                       QStringLiteral("sh b")};
        QTest::addRow("with its inputs")
            << std::string("  - [external: {command: [sh, '{input1}'], inputs: [demo/tiny-llama.yaml]}]\n")
            << QStringList {QStringLiteral("sh ") + script};
        QTest::addRow("what a driver may choose")
            << std::string("  - [external: {command: [[sh, a], [sh, b], [sh, c]]}]\ndriver: {random: {trials: 1}}\n")
            << QStringList {QStringLiteral("sh a"), QStringLiteral("sh b"), QStringLiteral("sh c")};
        QTest::addRow("nothing hides") << std::string("  - [external: {command: [sh, \"a\\e[8m\", \"\\u202Eb\"]}]\n")
                                       << QStringList {QStringLiteral(R"("sh 'a\u001b[8m' '\u202eb'")")};
    }
    void commandsAreListedWholeAndOnce()
    {
        QFETCH(std::string, rest);
        QFETCH(QStringList, expected);
        QStringList found = listed(sweepOf(rest));
        found.sort();
        QCOMPARE(found, expected);
    }

    void whatRunsThemIsTold()
    {
        const auto commands =
            jobs::describedCommands(sweepOf("  - []\n"
                                            "  - [external: {command: [[sh, a b], [sh, c]]}]\n"
                                            "  - [external: {command: [sh, a b]}, rtn: {bits: 3}]\n"));
        QCOMPARE(commands.size(), std::size_t(2));
        QCOMPARE(commands[0].words, (std::vector<std::string> {"sh", "'a b'"}));
        QCOMPARE(commands[0].pipelines, (std::vector<std::size_t> {1, 3}));
        QCOMPARE(commands[1].pipelines, (std::vector<std::size_t> {2}));
        const auto chosen = jobs::describedCommands(
            sweepOf("  - [external: {command: [[sh, a], [sh, b], [sh, c]]}]\ndriver: {random: {trials: 1}}\n"));
        QCOMPARE(chosen.size(), std::size_t(3));
        QCOMPARE(std::count_if(chosen.begin(), chosen.end(),
                               [](const jobs::SweepCommand& command) { return command.pipelines.empty(); }),
                 2); // the driver takes one of three
    }

    void theyRunOnlyWhenTheUserAllowsIt_data()
    {
        QTest::addColumn<bool>("all");
        QTest::addColumn<std::vector<std::string>>("allowed");
        QTest::addColumn<QString>("refused"); // nothing: it may run
        const std::vector<std::string> both {"sh 'a b' '{model}'", "sh c"};
        QTest::addRow("nothing is allowed")
            << false << std::vector<std::string> {} << QStringLiteral("this machine: sh 'a b' '{model}'; sh c");
        QTest::addRow("all are") << true << std::vector<std::string> {} << QString();
        QTest::addRow("those that were seen") << false << both << QString();
        QTest::addRow("one was not seen")
            << false << std::vector<std::string> {both[0]} << QStringLiteral("this machine: sh c");
    }
    void theyRunOnlyWhenTheUserAllowsIt()
    {
        QFETCH(bool, all);
        QFETCH(std::vector<std::string>, allowed);
        QFETCH(QString, refused);
        const auto commands =
            jobs::describedCommands(sweepOf("  - []\n  - [external: {command: [[sh, a b, '{model}'], [sh, c]]}]\n"));
        jobs::SweepOptions options;
        options.allowsCommands = all;
        options.allowedCommands = allowed;
        const core::Status status = jobs::requireApproval(commands, options);
        QCOMPARE(status.ok(), refused.isEmpty());
        if (status.ok())
            return;
        QCOMPARE(status.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(status.error().message.ends_with(refused.toStdString()), status.error().message.c_str());
        QVERIFY(status.error().hint.find("--allow-external") != std::string::npos);
    }

    void onlyWhatIsStillToRunIsAskedAbout_data()
    {
        QTest::addColumn<std::string>("rest"); // of the sweep
        QTest::addColumn<QList<int>>("done");  // trials that the project has
        QTest::addColumn<QStringList>("asked");
        const std::string grid = "  - []\n  - [external: {command: [[sh, a], [sh, b]]}]\n"
                                 "  - [external: {command: [sh, a]}, rtn: {bits: 3}]\n";
        const auto row = [](const char* tag, const std::string& rest, const QList<int>& done,
                            const QStringList& asked) { QTest::addRow("%s", tag) << rest << done << asked; };
        const QString a = QStringLiteral("sh a");
        const QString b = QStringLiteral("sh b");
        row("no project yet", grid, {}, {a, b});
        row("one command has run", grid, {0, 2}, {a});
        row("a command in a second trial", grid, {1, 2}, {a});
        row("without commands", grid, {1, 2, 3}, {});
        row("all has run", grid, {0, 1, 2, 3}, {});
        row("a driver that goes on",
            "  - [external: {command: [[sh, a], [sh, b]]}]\ndriver: {nsga2: {population: 4, generations: 2}}\n"
            "objectives: [perplexity, stored_bytes]\n",
            {}, {a, b});
    }
    void onlyWhatIsStillToRunIsAskedAbout()
    {
        QFETCH(std::string, rest);
        QFETCH(QList<int>, done);
        QFETCH(QStringList, asked);
        const core::Sweep sweep = sweepOf(rest);
        const QTemporaryDir folder;
        const std::filesystem::path project = folder.filePath(QStringLiteral("p.pscope")).toStdString();
        if (!done.isEmpty())
            QVERIFY(finishTrials(sweep, done, project).ok());
        const auto commands = jobs::commandsToAskAbout(sweep, project, {});
        QVERIFY2(commands.ok(), commands.ok() ? "" : commands.error().sentence().c_str());
        QStringList lines;
        for (const jobs::SweepCommand& command : commands.value()) {
            lines << QString::fromStdString(command.line);
            for (const std::size_t pipeline : command.pipelines)
                QVERIFY(!done.contains(int(pipeline))); // those alone are named that run it
        }
        QCOMPARE(lines, asked);
        QCOMPARE(std::filesystem::exists(project), !done.isEmpty()); // asking makes no file
        jobs::SweepOptions seen;
        for (const jobs::SweepCommand& command : commands.value())
            seen.allowedCommands.push_back(command.line);
        QVERIFY(jobs::commandsToAskAbout(sweep, project, seen).value().empty());
    }

    void whatADriverLeftOutIsNotAskedAbout()
    {
        const core::Sweep sweep =
            sweepOf("  - [external: {command: [[sh, a], [sh, b], [sh, c]]}]\ndriver: {random: {trials: 1}}\n");
        const auto commands = jobs::commandsToAskAbout(sweep, "/nonexistent/p.pscope", {});
        QVERIFY2(commands.ok(), commands.ok() ? "" : commands.error().sentence().c_str());
        QCOMPARE(commands.value().size(), std::size_t(1));
        QCOMPARE(commands.value()[0].pipelines, (std::vector<std::size_t> {0}));
    }

    void whatCannotBeComparedIsRefused_data()
    {
        QTest::addColumn<bool>("isProjectBroken");
        QTest::addRow("project") << true;
        QTest::addRow("option") << false;
    }
    void whatCannotBeComparedIsRefused()
    {
        QFETCH(bool, isProjectBroken);
        const QTemporaryDir folder;
        const QString project = folder.filePath(QStringLiteral("p.pscope"));
        if (isProjectBroken) {
            QFile file(project);
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write("no project");
        }
        jobs::SweepOptions options;
        options.shardCount = isProjectBroken ? 1 : 0;
        const core::Sweep sweep = sweepOf("  - [external: {command: [sh, a]}]\n");
        const auto commands = jobs::commandsToAskAbout(sweep, project.toStdString(), options);
        QVERIFY(!commands.ok());
        QVERIFY(!commands.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstCommandApproval)
#include "tst_command_approval.moc"
