// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_queue.h"

#include <QtTest>

#include <numeric>

using namespace paretoscope;
using jobs::TrialQueue;

namespace {

core::StageSpec stage(const std::string& plugin, int bits, const char* propagate)
{
    return {plugin, "1", {{"bits", bits}, {"propagate", propagate}}, {}, plugin == "gptq"};
}

/// "b" baseline, "r4" rtn with 4 bits, "g3" gptq (calibrated), "o3" gptq with statistics of the original model, "g3r4"
/// one after the other.
core::PlannedTrial trial(const std::string& text)
{
    core::PlannedTrial planned;
    for (std::size_t i = 0; text != "b" && i < text.size(); i += 2)
        planned.pipeline.stages.push_back(
            stage(text[i] == 'r' ? "rtn" : "gptq", text[i + 1] - '0', text[i] == 'o' ? "original" : "step"));
    return planned;
}

QStringList words(const char* text)
{
    return QString::fromLatin1(text).split(QLatin1Char(' '));
}

std::vector<core::PlannedTrial> trials(const QStringList& texts)
{
    std::vector<core::PlannedTrial> planned;
    for (const QString& text : texts)
        planned.push_back(trial(text.toStdString()));
    return planned;
}

TrialQueue queueOf(const QStringList& texts)
{
    std::vector<int> all(std::size_t(texts.size()));
    std::iota(all.begin(), all.end(), 0);
    return TrialQueue(core::TrialTree(trials(texts), all, {}));
}

} // namespace

class TstTrialQueue : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void orderKeepsSharedThingsTogether_data()
    {
        QTest::addColumn<QStringList>("file");
        QTest::addColumn<QStringList>("order");
        const auto row = [](const char* tag, const char* file, const char* order) {
            QTest::addRow("%s", tag) << words(file) << words(order);
        };
        row("one", "r4", "r4");
        row("baseline first", "r4 b r3", "b r4 r3");
        row("calibrated last", "g4 r4 g3 r3", "r4 r3 g4 g3");
        row("equal beginnings together", "g3 g4 g3r4 g4r2 g3r2", "g3 g3r4 g3r2 g4 g4r2");
        row("file order within a branch", "r8 r2 r4", "r8 r2 r4");
        row("shared statistics together", "o3 g3 o4", "o3 o4 g3");
    }
    void orderKeepsSharedThingsTogether()
    {
        QFETCH(QStringList, file);
        QFETCH(QStringList, order);
        TrialQueue queue = queueOf(file);
        QStringList dealt;
        while (const auto next = queue.take(0))
            dealt << file[*next];
        QCOMPARE(dealt, order);
    }

    void workersStayInTheirBranch_data()
    {
        QTest::addColumn<QStringList>("file");
        QTest::addColumn<QStringList>("calls"); ///< which worker takes, and what it gets
        const auto row = [](const char* tag, const char* file, const char* calls) {
            QTest::addRow("%s", tag) << words(file) << words(calls);
        };
        row("branches of their own", "g2 g2r3 g2r4 g3 g3r3", "0:g2 1:g3 0:g2r3 1:g3r3 0:g2r4");
        row("an untouched branch before helping", "g2 g2r3 r8 r4", "0:r8 1:r4 0:g2 1:g2r3");
        row("helps where most is left", "g2 g2r3 g3 g3r2 g3r3 g3r4 r8", "0:r8 1:g2 0:g3 2:g3r2 1:g2r3 3:g3r3 2:g3r4");
        row("shared statistics stay on one worker while there is other work", "o2 o3 o4 r2 r3 r4",
            "0:r2 1:r3 2:r4 0:o2 0:o3 1:o4");
        row("in its branch a worker helps with what nobody does", "g3 g3r4 g3r2", "0:g3 1:g3r4 0:g3r2");
    }
    void workersStayInTheirBranch()
    {
        QFETCH(QStringList, file);
        QFETCH(QStringList, calls);
        TrialQueue queue = queueOf(file);
        QStringList dealt;
        for (const QString& call : calls) {
            const int worker = call.left(1).toInt();
            QCOMPARE(queue.peek(worker), queue.peek(worker));
            const auto expected = queue.peek(worker);
            const auto trial = queue.take(worker);
            QCOMPARE(trial, expected);
            QVERIFY2(trial, qPrintable(call));
            dealt << QString::number(worker) + QLatin1Char(':') + file[*trial];
        }
        QCOMPARE(dealt, calls);
    }

    void tellsWhichBeginningsAreNeededAgain_data()
    {
        QTest::addColumn<QStringList>("file");
        QTest::addColumn<int>("taken");          ///< by one worker
        QTest::addColumn<QString>("beginnings"); ///< of the last one taken
        const auto row = [](const char* tag, const char* file, int taken, const char* beginnings) {
            QTest::addRow("%s", tag) << words(file) << taken << QString::fromLatin1(beginnings);
        };
        row("alone", "g3r4", 1, "");
        row("one stage", "g3r4 g3r2", 1, "1");
        row("nobody after it", "g3r4 g3r2", 2, "");
        row("the whole pipeline", "g3 g3r2", 1, "1");
        row("two lengths", "g3r4 g3r4r2 g3r8", 1, "1 2");
        row("only the longer one", "g3r4r2 g3r4r3", 1, "1 2");
        row("the shorter one only", "g3r4 g3r4r2 g3r8", 2, "1");
        row("another branch", "g3r4 g2r4", 1, "");
    }
    void tellsWhichBeginningsAreNeededAgain()
    {
        QFETCH(QStringList, file);
        QFETCH(int, taken);
        QFETCH(QString, beginnings);
        TrialQueue queue = queueOf(file);
        int trial = -1;
        for (int i = 0; i < taken; ++i)
            trial = *queue.take(0);
        QStringList numbers;
        for (const int stages : queue.sharedBeginnings(trial))
            numbers << QString::number(stages);
        QCOMPARE(numbers.join(QLatin1Char(' ')), beginnings);
    }

    void aTrialPutBackNeedsItsBeginningAgain()
    {
        TrialQueue queue = queueOf(words("g3r4 g3r2"));
        QCOMPARE(queue.take(0), 0);
        QCOMPARE(queue.take(1), 1);
        QVERIFY(queue.sharedBeginnings(1).empty());
        queue.putBack(0);
        QCOMPARE(queue.sharedBeginnings(1), std::vector<int> {1});
    }

    void onlyOpenTrialsAreDealt()
    {
        TrialQueue queue(core::TrialTree(trials(words("b r3 r4")), {2}, {}));
        QCOMPARE(queue.size(), 1);
        QCOMPARE(queue.peek(0), 2);
        QCOMPARE(queue.take(0), 2);
        QCOMPARE(queue.size(), 0);
        QCOMPARE(queue.take(0), std::nullopt);
    }

    void putBackComesNext()
    {
        TrialQueue queue = queueOf(words("r3 r4"));
        QCOMPARE(queue.take(0), 0);
        queue.putBack(0);
        QCOMPARE(queue.size(), 2);
        QCOMPARE(queue.take(1), 0);
        queue.clear();
        QCOMPARE(queue.size(), 0);
    }
};

QTEST_GUILESS_MAIN(TstTrialQueue)
#include "tst_trial_queue.moc"
