// SPDX-License-Identifier: GPL-3.0-or-later
// Names in a stranger's project look like HTML; all views show them as they are.
#include "tests/gui/project_fixture.h"
#include "views/inspector/inspector_view.h"
#include "views/jobs/jobs_view.h"
#include "views/pareto/pareto_view.h"
#include "views/trials/trials_view.h"

#include <QAbstractItemView>
#include <QLabel>
#include <QTextDocumentFragment>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

const std::string kEvil = "<b>evil</b><img src='file:///etc/hostname'>";

SnapshotPtr evilSnapshot()
{
    ProjectSnapshot records;
    records.path = "evil.pscope";
    records.trials = test::demoTrials();
    for (core::TrialRecord& trial : records.trials) {
        trial.label = kEvil + trial.label;
        trial.workload = kEvil;
        trial.sweep = kEvil;
        trial.tags = {kEvil};
        trial.provenance["command"] = kEvil;
        trial.pipeline = core::Json::array({{{"plugin", kEvil}, {"version", kEvil}, {"parameters", {{kEvil, kEvil}}}}});
        for (core::MetricRecord& metric : trial.metrics)
            metric.protocol = metric.protocol.empty() ? "" : kEvil;
    }
    records.trials.back().status = core::TrialStatus::Failed;
    records.trials.back().error = core::Error {core::ErrorCode::Numerical, kEvil, kEvil};
    records.events = {{"2025-03-01T10:00:00.000Z", "error", kEvil, kEvil, kEvil}};
    return makeSnapshot(std::move(records));
}

/// What Qt draws of a text that it takes for HTML when it looks like it.
QString drawn(const QString& text)
{
    return Qt::mightBeRichText(text) ? QTextDocumentFragment::fromHtml(text).toPlainText() : text;
}

bool isShownAsItIs(const QString& text)
{
    return text.count(u"evil"_s) == drawn(text).count(u"<b>evil</b><img src='file:///etc/hostname'>"_s);
}

} // namespace

class TstPlainText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void namesAreShownAsTheyAre_data()
    {
        QTest::addColumn<int>("which");
        QTest::addRow("trials") << 0;
        QTest::addRow("pareto") << 1;
        QTest::addRow("inspector") << 2;
        QTest::addRow("jobs") << 3;
    }
    void namesAreShownAsTheyAre()
    {
        QFETCH(int, which);
        SelectionModel selection;
        std::unique_ptr<QWidget> shown = viewOf(which, selection);
        selection.select({evilSnapshot()->trials.back().id});
        shown->resize(900, 600);
        shown->show();
        QVERIFY(QTest::qWaitForWindowExposed(shown.get()));
        m_seen = 0;
        for (const QWidget* widget : shown->findChildren<QWidget*>()) {
            check(widget->toolTip(), widget->objectName());
            if (const auto* label = qobject_cast<const QLabel*>(widget))
                QVERIFY2(label->textFormat() == Qt::PlainText || !label->text().contains(u"evil"_s),
                         qPrintable(label->objectName()));
            if (const auto* items = qobject_cast<const QAbstractItemView*>(widget); items && items->model())
                checkTips(*items->model(), {});
        }
        QVERIFY2(m_seen > 0, "the view shows none of the names");
    }

private:
    static std::unique_ptr<QWidget> viewOf(int which, SelectionModel& selection)
    {
        const auto filled = [](auto view) -> std::unique_ptr<QWidget> {
            view->setSnapshot(evilSnapshot());
            return view;
        };
        switch (which) {
        case 0:
            return filled(std::make_unique<TrialsView>(selection));
        case 1:
            return filled(std::make_unique<ParetoView>(selection));
        case 2:
            return filled(std::make_unique<InspectorView>(selection));
        default:
            return filled(std::make_unique<JobsView>(selection));
        }
    }

    void check(const QString& tip, const QString& place)
    {
        if (!tip.contains(u"evil"_s))
            return;
        ++m_seen;
        QVERIFY2(isShownAsItIs(tip), qPrintable(place + u": "_s + tip));
    }

    void checkTips(const QAbstractItemModel& model, const QModelIndex& parent)
    {
        for (int row = 0; row < model.rowCount(parent); ++row) {
            for (int column = 0; column < model.columnCount(parent); ++column) {
                const QModelIndex index = model.index(row, column, parent);
                check(index.data(Qt::ToolTipRole).toString(), index.data().toString());
                checkTips(model, index);
            }
        }
        for (int column = 0; column < model.columnCount(parent); ++column)
            check(model.headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString(), u"header"_s);
    }

    int m_seen = 0;
};

QTEST_MAIN(TstPlainText)
#include "tst_plain_text.moc"
