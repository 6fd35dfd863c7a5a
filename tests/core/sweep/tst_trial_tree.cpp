// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/trial_tree.h"

#include <QtTest>

#include <numeric>

using namespace paretoscope::core;

namespace {

const PluginCatalogue& shipped()
{
    static const PluginCatalogue catalogue = PluginCatalogue::scan({PARETOSCOPE_PLUGIN_SOURCES});
    return catalogue;
}

/// "r4" rtn with 4 bits, "g3" gptq, "o3" gptq with statistics of the original model, "x3" the same of a plugin that
/// nobody knows; "l3" is one with levels, cut to 3; "s7" sets the seed; "b" is the baseline.
PlannedTrial trial(const std::string& text)
{
    PlannedTrial planned;
    for (std::size_t i = 0; text != "b" && i < text.size(); i += 2) {
        const int number = text[i + 1] - '0';
        if (text[i] == 's') {
            planned.seed = static_cast<std::uint64_t>(number);
            continue;
        }
        StageSpec stage;
        stage.plugin = text[i] == 'r'   ? "quantization/rtn"
                       : text[i] == 'x' ? "other/method"
                       : text[i] == 'l' ? "other/levels"
                                        : "quantization/gptq";
        stage.version = "1";
        stage.needsCalibration = text[i] != 'r' && text[i] != 'l';
        if (text[i] == 'l')
            stage.cuts = {"bits"};
        stage.given = {{"bits", number}};
        stage.parameters = {{"bits", number}, {"propagate", text[i] == 'o' || text[i] == 'x' ? "original" : "step"}};
        planned.pipeline.stages.push_back(stage);
    }
    return planned;
}

TrialTree treeOf(const QStringList& texts)
{
    std::vector<PlannedTrial> trials;
    for (const QString& text : texts)
        trials.push_back(trial(text.toStdString()));
    std::vector<int> open(trials.size());
    std::iota(open.begin(), open.end(), 0);
    return TrialTree(trials, open, shipped());
}

/// One word per node, indented by its depth: what it computes and for how many trials; "=" before what an earlier node
/// computes already.
QString shown(const TrialTree& tree)
{
    QStringList lines;
    for (std::size_t i = 0; i < tree.nodes().size(); ++i) {
        const TrialTree::Node& node = tree.nodes()[i];
        const QString name = node.label.empty() ? QString::fromUtf8(trialTreeKindName(node.kind).data())
                                                : QString::fromStdString(node.label);
        lines << QString(node.depth, QLatin1Char('.')) +
                     (node.same == static_cast<int>(i) ? QString() : QStringLiteral("=")) + name + QLatin1Char('*') +
                     QString::number(node.trials);
    }
    return lines.join(QLatin1Char(' '));
}

} // namespace

class TstTrialTree : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void sharesWhatIsEqual_data()
    {
        QTest::addColumn<QString>("trials");
        QTest::addColumn<QString>("tree");
        const auto row = [](const char* tag, const char* trials, const char* tree) {
            QTest::addRow("%s", tag) << QString::fromLatin1(trials) << QString::fromLatin1(tree);
        };
        row("baseline", "b", "model*1 .measurements*1");
        row("two methods", "r4 g3", "model*2 .rtn(bits=4)*1 ..measurements*1 .gptq(bits=3)*1 ..measurements*1");
        row("baseline first, calibrated last", "g3 r4 b",
            "model*3 .measurements*1 .rtn(bits=4)*1 ..measurements*1 .gptq(bits=3)*1 ..measurements*1");
        row("equal beginning", "g3 g3r4 g3r2",
            "model*3 .gptq(bits=3)*3 ..measurements*1 ..rtn(bits=4)*1 ...measurements*1 ..rtn(bits=2)*1 "
            "...measurements*1");
        row("equal beginning, the beginning itself no trial", "g3r4 g3r2",
            "model*2 .gptq(bits=3)*2 ..rtn(bits=4)*1 ...measurements*1 ..rtn(bits=2)*1 ...measurements*1");
        row("two equal stages deep", "g3r4g2 g3r4r2",
            "model*2 .gptq(bits=3)*2 ..rtn(bits=4)*2 ...rtn(bits=2)*1 ....measurements*1 ...gptq(bits=2)*1 "
            "....measurements*1");
        row("an equal end is not shared", "g3r4 g2r4",
            "model*2 .gptq(bits=3)*1 ..rtn(bits=4)*1 ...measurements*1 .gptq(bits=2)*1 ..rtn(bits=4)*1 "
            "...measurements*1");
        row("another seed shares no stage", "r4s1 r4s2",
            "model*2 .rtn(bits=4)*1 ..measurements*1 .rtn(bits=4)*1 ..measurements*1");
        row("statistics of the original model", "o3 o4",
            "model*2 .hessian*2 ..gptq(bits=3)*1 ...measurements*1 ..gptq(bits=4)*1 ...measurements*1");
        row("statistics of a changed model", "g3 g4",
            "model*2 .gptq(bits=3)*1 ..measurements*1 .gptq(bits=4)*1 ..measurements*1");
        row("statistics do not depend on the seed", "o3s1 o3s2",
            "model*2 .hessian*2 ..gptq(bits=3)*1 ...measurements*1 ..gptq(bits=3)*1 ...measurements*1");
        row("statistics in several branches", "r4o3 o3",
            "model*2 .rtn(bits=4)*1 ..hessian*1 ...gptq(bits=3)*1 ....measurements*1 .=hessian*1 ..gptq(bits=3)*1 "
            "...measurements*1");
        row("levels are cut from one run", "l2 l3 l3r4",
            "model*3 .levels*3 ..cut to levels(bits=2)*1 ...measurements*1 ..cut to levels(bits=3)*2 ...measurements*1 "
            "...rtn(bits=4)*1 ....measurements*1");
        row("unknown plugin shares with itself", "x3 x4 o3",
            "model*3 .other/method*2 ..method(bits=3)*1 ...measurements*1 ..method(bits=4)*1 ...measurements*1 "
            ".hessian*1 ..gptq(bits=3)*1 ...measurements*1");
    }
    void sharesWhatIsEqual()
    {
        QFETCH(QString, trials);
        QFETCH(QString, tree);
        QCOMPARE(shown(treeOf(trials.split(QLatin1Char(' ')))), tree);
    }

    void knowsItsTrials()
    {
        const TrialTree tree = treeOf({QStringLiteral("g3r4"), QStringLiteral("b"), QStringLiteral("g3")});
        QCOMPARE(tree.order(), (std::vector<int> {1, 2, 0}));
        for (int trial = 0; trial < 3; ++trial) {
            const TrialTree::Node& leaf = tree.nodes()[std::size_t(tree.leafOf(trial))];
            QCOMPARE(leaf.kind, TrialTree::Kind::Measurements);
            QCOMPARE(tree.order()[std::size_t(leaf.firstTrial)], trial);
            QCOMPARE(leaf.steps, trial == 0 ? 2 : trial == 1 ? 0 : 1);
        }
        QVERIFY(tree.contains(0, tree.leafOf(0)));
        QVERIFY(!tree.contains(tree.leafOf(2), tree.leafOf(0)));
    }

    void beginningsLeaveOutWhatCuts()
    {
        const Pipeline pipeline = trial("g3l2r4").pipeline;
        QCOMPARE(pipeline.steps().size(), std::size_t(4));
        QCOMPARE(pipeline.beginning(1).label(), std::string("gptq(bits=3)"));
        QCOMPARE(pipeline.beginning(2).label(), std::string("gptq(bits=3) + levels"));
        QVERIFY(!pipeline.beginning(2).stages[1].parameters.contains("bits"));
        QCOMPARE(pipeline.beginning(3).label(), std::string("gptq(bits=3) + levels(bits=2)"));
        QCOMPARE(pipeline.beginning(4).label(), pipeline.label());
    }

    void onlyOpenTrialsBelongToIt()
    {
        const std::vector<PlannedTrial> trials {trial("b"), trial("r3"), trial("r4")};
        const TrialTree tree(trials, {2}, shipped());
        QCOMPARE(shown(tree), QStringLiteral("model*1 .rtn(bits=4)*1 ..measurements*1"));
        QCOMPARE(tree.leafOf(0), -1);
        QVERIFY(TrialTree(trials, {}, shipped()).nodes().empty());
    }
};

QTEST_GUILESS_MAIN(TstTrialTree)
#include "tst_trial_tree.moc"
