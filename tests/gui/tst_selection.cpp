// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/project_fixture.h"
#include "views/selection/selection_model.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

class TstSelection : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyChangeIsToldOnce()
    {
        SelectionModel model;
        QSignalSpy changed(&model, &SelectionModel::selectionChanged);
        const core::TrialId a = test::idOf("a");
        const core::TrialId b = test::idOf("b");
        model.select({a, b, a});
        QCOMPARE(model.selected(), (std::vector {a, b}));
        QCOMPARE(model.current(), std::optional(b));
        model.add({a});
        QCOMPARE(changed.count(), 1);
        model.toggle(b);
        QVERIFY(!model.isSelected(b));
        QCOMPARE(model.current(), std::optional(a));
        QCOMPARE(changed.count(), 2);
        model.clear();
        model.clear();
        QCOMPARE(changed.count(), 3);
        QVERIFY(!model.current());
    }

    void hoverIsToldWhenItMoves()
    {
        SelectionModel model;
        QSignalSpy changed(&model, &SelectionModel::hoverChanged);
        model.hover(test::idOf("a"));
        model.hover(test::idOf("a"));
        model.hover(std::nullopt);
        QCOMPARE(changed.count(), 2);
    }

    void filter_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("accepted");
        QTest::addRow("nothing typed") << QString() << 12;
        QTest::addRow("word") << u"gptq"_s << 3;
        QTest::addRow("word of any case") << u"GPTQ"_s << 3;
        QTest::addRow("two words") << u"rtn tiny-llama"_s << 8;
        QTest::addRow("words in any order") << u"done tiny"_s << 12;
        QTest::addRow("beginning of an id") << QString::fromStdString(test::idOf("baseline").hex()).left(8) << 1;
        QTest::addRow("parameter") << u"bits<=3"_s << 6;
        QTest::addRow("joined") << u"bits <= 3 and group_size = 64"_s << 4;
        QTest::addRow("metric") << u"perplexity<80"_s << 6;
        QTest::addRow("against the baseline") << u"perplexity < 1.0 * baseline.perplexity"_s << 0;
        QTest::addRow("plugin") << u"plugin = rtn"_s << 8;
        QTest::addRow("either") << u"plugin = gptq or stages = 0"_s << 4;
        QTest::addRow("quoted") << u"sweep=\"tiny-llama demo\""_s << 12;
        QTest::addRow("unknown name matches nothing") << u"bitz<4"_s << 0;
        QTest::addRow("half a comparison hides nothing") << u"bits<"_s << 12;
    }
    void filter()
    {
        QFETCH(QString, text);
        QFETCH(int, accepted);
        const TrialFilter filter = TrialFilter::parse(text);
        int count = 0;
        const core::TrialRecord baseline = test::demoTrials().front();
        for (const core::TrialRecord& trial : test::demoTrials())
            count += filter.accepts(trial, &baseline) ? 1 : 0;
        QCOMPARE(count, accepted);
    }

    void problemsAreTold()
    {
        const std::vector<core::TrialRecord> trials = test::demoTrials();
        QVERIFY(!TrialFilter::parse(u"bits < 4"_s).problem(trials));
        QVERIFY(!TrialFilter::parse(u"gptq"_s).problem(trials));
        const auto misspelt = TrialFilter::parse(u"bitz < 4"_s).problem(trials);
        QVERIFY(misspelt && QString::fromStdString(misspelt->sentence()).contains(u"bits"_s));
        QVERIFY(TrialFilter::parse(u"bits <"_s).problem(trials));
    }

    void snapshotDropsWhatViewsDoNotShowAndIndexesTheRest()
    {
        const SnapshotPtr snapshot = test::snapshotOf(test::demoTrials());
        QCOMPARE(int(snapshot->rows.size()), 12);
        QVERIFY(snapshot->trials[0].provenance.is_null());
        const core::TrialRecord* found = snapshot->find(test::idOf("gptq(bits=3,group_size=64)"));
        QVERIFY(found);
        QCOMPARE(found->label, std::string("gptq(bits=3,group_size=64)"));
        QCOMPARE(snapshot->metrics.front().name, std::string("perplexity"));
        QVERIFY(!snapshot->find(test::idOf("nobody")));
    }

    void onlyVisibleChangesCountAsDifferent()
    {
        const core::TrialRecord before = test::demoTrials()[1];
        core::TrialRecord after = before;
        after.provenance = nullptr;
        QVERIFY(!differs(before, after));
        after.metrics[0].value = 1.0;
        QVERIFY(differs(before, after));
        after = before;
        after.status = core::TrialStatus::Failed;
        QVERIFY(differs(before, after));
    }
};

QTEST_MAIN(TstSelection)
#include "tst_selection.moc"
