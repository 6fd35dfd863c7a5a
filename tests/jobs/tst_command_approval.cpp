// SPDX-License-Identifier: Apache-2.0
#include "jobs/command_approval.h"

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
    for (const std::string& command : jobs::commandsOf(sweep))
        commands << QString::fromStdString(command);
    return commands;
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

    void theyRunOnlyWhenTheUserAllowsIt()
    {
        const core::Sweep sweep = sweepOf("  - []\n  - [external: {command: [sh, a b, '{model}']}]\n");
        jobs::SweepOptions options;
        const core::Status refused = jobs::requireApproval(sweep, options);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(refused.error().message.find("runs commands on this machine: sh 'a b' '{model}'") != std::string::npos,
                 refused.error().message.c_str());
        QVERIFY(refused.error().hint.find("--allow-external") != std::string::npos);
        options.allowsCommands = true;
        QVERIFY(jobs::requireApproval(sweep, options).ok());
        QVERIFY(jobs::requireApproval(sweepOf("  - [rtn: {bits: 3}]\n"), {}).ok());
    }
};

QTEST_GUILESS_MAIN(TstCommandApproval)
#include "tst_command_approval.moc"
