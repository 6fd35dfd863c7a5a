// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/project_fixture.h"
#include "views/table/frozen_table_view.h"
#include "views/trials/trial_proxy.h"
#include "views/trials/trial_table_model.h"
#include "views/trials/trials_view.h"
#include "views/widgets/empty_state.h"

#include <QAbstractItemModelTester>
#include <QCompleter>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

struct Shown
{
    SelectionModel selection;
    TrialsView view {selection};

    Shown()
    {
        view.resize(900, 420);
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        view.show();
        if (!QTest::qWaitForWindowExposed(&view))
            qFatal("the view did not show");
    }
    QAction* action(const QString& id)
    {
        for (QAction* candidate : view.actions()) {
            if (candidate->objectName() == id)
                return candidate;
        }
        return nullptr;
    }
    QPoint cell(int row, int column = 0) { return view.table().visualRect(view.proxy().index(row, column)).center(); }
};

} // namespace

class TstTrialsView : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom)); }

    void modelGrowsPrecisely()
    {
        TrialTableModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        std::vector<core::TrialRecord> trials = test::demoTrials();
        std::vector<core::TrialRecord> queued;
        for (const core::TrialRecord& trial : trials)
            queued.push_back(test::trialOf({trial.label, 0, 0, core::TrialStatus::Queued}));
        model.setSnapshot(test::snapshotOf(queued));
        QCOMPARE(model.rowCount(), 12);
        QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
        QSignalSpy rows(&model, &QAbstractItemModel::rowsInserted);
        QSignalSpy columns(&model, &QAbstractItemModel::columnsInserted);
        QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);

        queued[2] = trials[2];
        model.setSnapshot(test::snapshotOf(queued));
        QCOMPARE(columns.count(), 3); // its metrics are the first ones
        bool rowChanged = false;
        for (const auto& change : changes)
            rowChanged = rowChanged || change[0].toModelIndex().row() == 2;
        QVERIFY(rowChanged);

        changes.clear();
        queued[3].status = core::TrialStatus::Running;
        model.setSnapshot(test::snapshotOf(queued));
        QCOMPARE(changes.count(), 1);
        QCOMPARE(changes[0][0].toModelIndex().row(), 3);
        QCOMPARE(changes[0][1].toModelIndex().row(), 3);

        queued.push_back(test::trialOf({"gptq(bits=8,group_size=64)", 74.3, 1.5e6}));
        model.setSnapshot(test::snapshotOf(queued));
        QCOMPARE(rows.count(), 1);
        QCOMPARE(model.rowCount(), 13);
        QCOMPARE(reset.count(), 0);

        model.setSnapshot(test::snapshotOf(trials, "other.pscope"));
        QCOMPARE(reset.count(), 1);
        model.setSnapshot(nullptr);
        QCOMPARE(model.rowCount(), 0);
    }

    void numbersOfAColumnLineUp()
    {
        TrialTableModel model;
        model.setSnapshot(test::snapshotOf(test::demoTrials()));
        const int size = model.columnOf(u"metric:stored_bytes:"_s);
        QVERIFY(size > 0);
        QCOMPARE(model.headerData(size, Qt::Horizontal).toString(), u"Stored size (MB)"_s);
        QCOMPARE(model.index(0, size).data().toString(), u"2.624\u2007"_s);
        QCOMPARE(model.index(2, size).data().toString(), u"0.4933"_s);
        QCOMPARE(model.index(2, size).data(TrialTableModel::ExactRole).toString(), u"493312"_s);
        QVERIFY(model.index(2, size).data(Qt::TextAlignmentRole).toInt() & Qt::AlignRight);
    }

    void proxySortsByValueWithMissingLast_data()
    {
        QTest::addColumn<Qt::SortOrder>("order");
        QTest::addColumn<QString>("first");
        QTest::addRow("ascending") << Qt::AscendingOrder << u"baseline"_s;
        QTest::addRow("descending") << Qt::DescendingOrder << u"rtn(bits=2,group_size=64)"_s;
    }
    void proxySortsByValueWithMissingLast()
    {
        QFETCH(Qt::SortOrder, order);
        QFETCH(QString, first);
        std::vector<core::TrialRecord> trials = test::demoTrials();
        trials.insert(trials.begin() + 4,
                      test::trialOf({"rtn(bits=5,group_size=64)", 0, 0, core::TrialStatus::Queued}));
        SelectionModel selection;
        TrialTableModel model;
        TrialProxy proxy(model, selection);
        QAbstractItemModelTester tester(&proxy, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setSnapshot(test::snapshotOf(trials));
        const int column = model.columnOf(u"metric:perplexity:"_s + QLatin1String(test::kProtocol));
        connect(&selection, &SelectionModel::filterChanged, &proxy, &TrialProxy::applyFilter);
        proxy.sort(column, order);
        QCOMPARE(proxy.index(0, 0).data().toString(), first);
        QCOMPARE(proxy.index(12, 0).data().toString(), u"rtn(bits=5,group_size=64)"_s);
        selection.setFilter(u"gptq"_s);
        QCOMPARE(proxy.rowCount(), 3);
    }

    void selectionIsLinkedBothWays()
    {
        Shown shown;
        QTest::mouseClick(shown.view.table().viewport(), Qt::LeftButton, {}, shown.cell(3));
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf("rtn(bits=3,group_size=32)")});
        QTest::mouseClick(shown.view.table().viewport(), Qt::LeftButton, Qt::ControlModifier, shown.cell(5));
        QCOMPARE(int(shown.selection.selected().size()), 2);
        QCOMPARE(shown.selection.current(), std::optional(test::idOf("rtn(bits=4,group_size=32)")));
        shown.selection.select({test::idOf("baseline"), test::idOf("gptq(bits=4,group_size=64)")});
        QVERIFY(shown.view.table().selectionModel()->isRowSelected(0));
        QVERIFY(shown.view.table().selectionModel()->isRowSelected(11));
        QVERIFY(!shown.view.table().selectionModel()->isRowSelected(3));
        QTest::keyClick(&shown.view.table(), Qt::Key_Up);
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf("gptq(bits=3,group_size=64)")});
        QTest::keyClick(&shown.view.table(), Qt::Key_Escape);
        QVERIFY(shown.selection.selected().empty());
    }

    void selectionStaysWhileRowsArrive()
    {
        Shown shown;
        shown.view.table().sortByColumn(0, Qt::AscendingOrder);
        shown.selection.select({test::idOf("gptq(bits=3,group_size=64)")});
        std::vector<core::TrialRecord> trials = test::demoTrials();
        trials.push_back(test::trialOf({"awq(bits=3,group_size=64)", 82, 657152}));
        shown.view.setSnapshot(test::snapshotOf(trials));
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf("gptq(bits=3,group_size=64)")});
        const int row = shown.view.proxy().rowOf(test::idOf("gptq(bits=3,group_size=64)"));
        QVERIFY(shown.view.table().selectionModel()->isRowSelected(row));
        QCOMPARE(int(shown.view.table().selectionModel()->selectedRows().size()), 1);
    }

    void filteringIsNoChoice()
    {
        Shown shown;
        const std::vector chosen {test::idOf("baseline"), test::idOf("gptq(bits=3,group_size=64)")};
        shown.selection.select(chosen);
        shown.selection.setFilter(u"gptq"_s);
        QCOMPARE(shown.selection.selected(), chosen); // what is filtered out stays selected
        QCOMPARE(int(shown.view.table().selectionModel()->selectedRows().size()), 1);
        shown.selection.setFilter({});
        QCOMPARE(int(shown.view.table().selectionModel()->selectedRows().size()), 2);
    }

    void hoverIsShared()
    {
        Shown shown;
        QTest::mouseMove(shown.view.table().viewport(), shown.cell(4));
        QCOMPARE(shown.selection.hovered(), std::optional(test::idOf("rtn(bits=3,group_size=64)")));
    }

    void filterBarNarrowsAllAndPointsAtMisspeltNames()
    {
        Shown shown;
        auto* edit = shown.view.findChild<QLineEdit*>(u"filter"_s);
        auto* count = shown.view.findChild<QLabel*>(u"filterCount"_s);
        shown.action(u"trials.filter"_s)->trigger();
        QTest::keyClicks(edit, u"gptq"_s);
        QCOMPARE(shown.selection.filter().text(), u"gptq"_s);
        QCOMPARE(shown.view.proxy().rowCount(), 3);
        QCOMPARE(count->text(), u"3 of 12 trial(s)"_s);
        edit->clear();
        QTest::keyClicks(edit, u"bitz<4"_s);
        QVERIFY2(count->text().contains(u"bits"_s), qPrintable(count->text()));
    }

    void filterBarCompletesTheWordAtTheCursor()
    {
        Shown shown;
        auto* edit = shown.view.findChild<QLineEdit*>(u"filter"_s);
        auto* completer = shown.view.findChild<QCompleter*>();
        QVERIFY(edit && completer);
        edit->setFocus();
        QTest::keyClicks(edit, u"bits <= 3 and perpl"_s);
        QCOMPARE(completer->completionModel()->index(0, 0).data().toString(), u"perplexity"_s);
        Q_EMIT completer->activated(u"perplexity"_s);
        QCOMPARE(edit->text(), u"bits <= 3 and perplexity"_s);
        QTest::keyClicks(edit, u" < 1.2 * baseline.per"_s);
        QCOMPARE(completer->completionModel()->index(0, 0).data().toString(), u"baseline.perplexity"_s);
        Q_EMIT completer->activated(u"baseline.perplexity"_s);
        QCOMPARE(edit->text(), u"bits <= 3 and perplexity < 1.2 * baseline.perplexity"_s);
        QCOMPARE(shown.view.proxy().rowCount(), 2); // 83.0 and 85.5 of 1.2 * 74.3
        edit->setCursorPosition(4);
        QTest::keyClick(edit, Qt::Key_Backspace);
        Q_EMIT completer->activated(u"bits"_s);
        QVERIFY2(edit->text().startsWith(u"bits <= 3 and"_s), qPrintable(edit->text()));
    }

    void copiesForSpreadsheetsAndPapers()
    {
        Shown shown;
        shown.selection.select({test::idOf("baseline")});
        shown.view.table().setFocus();
        QTest::keyClick(&shown.view.table(), Qt::Key_C, Qt::ControlModifier);
        const QStringList lines = QGuiApplication::clipboard()->text().split('\n'_L1, Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 2);
        QVERIFY2(lines[0].startsWith(u"Pipeline\tStatus\tPerplexity\tStored size [B]"_s), qPrintable(lines[0]));
        QVERIFY2(lines[1].startsWith(u"baseline\tdone\t74.261\t2623744"_s), qPrintable(lines[1]));
        shown.action(u"trials.copy-markdown"_s)->trigger();
        QVERIFY(QGuiApplication::clipboard()->text().startsWith(
            u"| Pipeline | Status | Perplexity | Stored size (MB) |"_s));
        shown.selection.clear();
        QCOMPARE(shown.view.selectedCells(true).size(), 13); // nothing selected = all
    }

    void columnsAreChosenAndRemembered()
    {
        Shown shown;
        TrialTableModel& model = shown.view.model();
        QVERIFY(shown.view.table().isColumnHidden(model.columnOf(u"seed"_s)));
        shown.view.table().setColumnWidth(0, 333);
        QJsonObject state = shown.view.saveState();
        QJsonObject visible = state[u"shown"].toObject();
        visible[u"seed"_s] = true;
        visible[u"time"_s] = false;
        state[u"shown"_s] = visible;
        Shown other;
        other.view.restoreState(state);
        QVERIFY(!other.view.table().isColumnHidden(model.columnOf(u"seed"_s)));
        QVERIFY(other.view.table().isColumnHidden(model.columnOf(u"time"_s)));
        QCOMPARE(other.view.table().columnWidth(0), 333);
        other.view.restoreState({{u"widths"_s, 7}, {u"sort"_s, u"nobody"_s}});
    }

    void firstColumnStaysWhileOthersScroll()
    {
        Shown shown;
        shown.view.resize(320, 300);
        auto* frozen = shown.view.table().findChild<QTableView*>(u"frozenColumn"_s);
        QVERIFY(!frozen->isVisible());
        shown.view.table().horizontalScrollBar()->setValue(120);
        QVERIFY(frozen->isVisible());
        QCOMPARE(frozen->columnWidth(0), shown.view.table().columnWidth(0));
        shown.action(u"trials.freeze"_s)->trigger();
        QVERIFY(!frozen->isVisible());
    }

    void emptyStateLeadsOn()
    {
        SelectionModel selection;
        TrialsView view(selection);
        view.show();
        QVERIFY(view.emptyState().isVisible());
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        QVERIFY(!view.emptyState().isVisible());
    }
};

QTEST_MAIN(TstTrialsView)
#include "tst_trials_view.moc"
