// SPDX-License-Identifier: GPL-3.0-or-later
// What the views cost with 10 000 trials. Times are printed (QBENCHMARK), not judged: machines differ.
#include "tests/gui/project_fixture.h"
#include "views/pareto/pareto_plot.h"
#include "views/pareto/pareto_view.h"
#include "views/table/frozen_table_view.h"
#include "views/trials/trial_proxy.h"
#include "views/trials/trial_table_model.h"
#include "views/trials/trials_view.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

constexpr int kTrials = 10000;

std::vector<core::TrialRecord> manyTrials()
{
    std::vector<core::TrialRecord> trials;
    for (int i = 0; i < kTrials; ++i) {
        const double bits = 2 + i % 97 / 16.0;
        trials.push_back(test::trialOf({"m" + std::to_string(i % 7) + "(bits=" + std::to_string(i) + ")",
                                        70 + 500 / bits + i % 13, 1e5 * bits + i}));
    }
    return trials;
}

} // namespace

class TstScale : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_trials = manyTrials();
        m_snapshot = test::snapshotOf(m_trials);
        m_plot.resize(900, 600);
        m_table.resize(900, 300);
        m_plot.show();
        m_table.show();
        m_plot.setSnapshot(m_snapshot);
        m_table.setSnapshot(m_snapshot);
        QVERIFY(QTest::qWaitForWindowExposed(&m_table));
    }

    void oneMoreTrialArrives()
    {
        QBENCHMARK_ONCE
        {
            m_trials.push_back(test::trialOf({"late(bits=" + std::to_string(m_trials.size()) + ")", 75, 4e5}));
            m_snapshot = test::snapshotOf(m_trials);
            m_plot.setSnapshot(m_snapshot);
            m_table.setSnapshot(m_snapshot);
        }
        QCOMPARE(m_table.model().rowCount(), int(m_trials.size()));
        QCOMPARE(int(m_plot.plot().data()->points.size()), int(m_trials.size()));
    }

    void plotPaints()
    {
        QBENCHMARK
        {
            m_plot.plot().replot(QCustomPlot::rpImmediateRefresh);
        }
    }

    void rubberBandReachesTheTable()
    {
        std::vector<core::TrialId> half;
        for (std::size_t i = 0; i < m_trials.size(); i += 2)
            half.push_back(m_trials[i].id);
        QBENCHMARK_ONCE
        {
            m_selection.select(half);
        }
        QCOMPARE(m_table.table().selectionModel()->selectedRows().size(), qsizetype(half.size()));
        QCOMPARE(m_plot.plot().scene().selected.size(), half.size());
        m_selection.clear();
    }

    void hoverIsCheap()
    {
        int i = 0;
        QBENCHMARK
        {
            m_selection.hover(m_trials[std::size_t(++i % kTrials)].id);
        }
        QVERIFY(m_plot.plot().scene().hovered);
    }

    void filterFollowsTyping_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addRow("word") << u"m3"_s;
        QTest::addRow("query") << u"perplexity < 200 and bits > 500"_s;
    }
    void filterFollowsTyping()
    {
        QFETCH(QString, text);
        QBENCHMARK_ONCE
        {
            m_selection.setFilter(text);
        }
        QVERIFY(m_table.proxy().rowCount() < kTrials);
        m_selection.setFilter({});
    }

private:
    std::vector<core::TrialRecord> m_trials;
    SnapshotPtr m_snapshot;
    SelectionModel m_selection;
    ParetoView m_plot {m_selection};
    TrialsView m_table {m_selection};
};

QTEST_MAIN(TstScale)
#include "tst_scale.moc"
