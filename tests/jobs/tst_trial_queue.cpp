// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_queue.h"

#include <QtTest>

#include <numeric>

using namespace paretoscope;
using jobs::TrialQueue;

namespace {

core::StageSpec stage(const std::string& plugin, int bits, bool calibrated)
{
    return {plugin, "1", {{"bits", bits}}, {}, calibrated};
}

/// "b" baseline, "r4" rtn with 4 bits, "g3" gptq (calibrated), "g3r4" one after the other.
core::PlannedTrial trial(const std::string& text)
{
    core::PlannedTrial planned;
    for (std::size_t i = 0; text != "b" && i < text.size(); i += 2)
        planned.pipeline.stages.push_back(stage(text[i] == 'r' ? "rtn" : "gptq", text[i + 1] - '0', text[i] == 'g'));
    return planned;
}

std::vector<core::PlannedTrial> trials(const QStringList& texts)
{
    std::vector<core::PlannedTrial> planned;
    for (const QString& text : texts)
        planned.push_back(trial(text.toStdString()));
    return planned;
}

std::vector<int> all(const QStringList& texts)
{
    std::vector<int> indices(std::size_t(texts.size()));
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
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
            QTest::addRow("%s", tag) << QString::fromLatin1(file).split(QLatin1Char(' '))
                                     << QString::fromLatin1(order).split(QLatin1Char(' '));
        };
        row("one", "r4", "r4");
        row("baseline first", "r4 b r3", "b r4 r3");
        row("calibrated last", "g4 r4 g3 r3", "r4 r3 g4 g3");
        row("equal beginnings together", "g3 g4 g3r4 g4r2 g3r2", "g3 g3r4 g3r2 g4 g4r2");
        row("file order within a group", "r8 r2 r4", "r8 r2 r4");
    }
    void orderKeepsSharedThingsTogether()
    {
        QFETCH(QStringList, file);
        QFETCH(QStringList, order);
        TrialQueue queue(trials(file), all(file));
        QStringList dealt;
        while (const auto next = queue.take(0))
            dealt << file[*next];
        QCOMPARE(dealt, order);
    }

    void workersKeepToTheirGroup()
    {
        const QStringList file {QStringLiteral("r2"), QStringLiteral("r3"), QStringLiteral("r4"), QStringLiteral("g2"),
                                QStringLiteral("g3")};
        TrialQueue queue(trials(file), all(file));
        QCOMPARE(queue.take(0), 0);
        QCOMPARE(queue.take(1), 3); // a group of its own
        QCOMPARE(queue.take(0), 1);
        QCOMPARE(queue.take(1), 4);
        QCOMPARE(queue.take(1), 2); // nothing left of its own: helps
        QCOMPARE(queue.take(0), std::nullopt);
    }

    void onlyOpenTrialsAreDealt()
    {
        const QStringList file {QStringLiteral("b"), QStringLiteral("r3"), QStringLiteral("r4")};
        TrialQueue queue(trials(file), {2});
        QCOMPARE(queue.size(), 1);
        QCOMPARE(queue.peek(0), 2);
        QCOMPARE(queue.take(0), 2);
        QCOMPARE(queue.size(), 0);
    }

    void putBackComesNext()
    {
        const QStringList file {QStringLiteral("r3"), QStringLiteral("r4")};
        TrialQueue queue(trials(file), all(file));
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
