// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/detail_panel.h"

#include "views/format/format.h"
#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/roofline/roofline_text.h"
#include "views/widgets/roomy_delegate.h"

#include <QHeaderView>
#include <QLabel>
#include <QTextBrowser>
#include <QTreeWidget>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

DetailPanel::DetailPanel(RooflineSession& session, QWidget* parent)
    : QTabWidget(parent)
    , m_session(session)
    , m_sentence(new QLabel)
    , m_changes(new QTreeWidget)
    , m_derivation(new QTextBrowser)
{
    setObjectName(u"rooflineDetails"_s);
    setDocumentMode(true);
    m_sentence->setObjectName(u"rooflineExplanation"_s);
    m_sentence->setTextFormat(Qt::PlainText);
    m_sentence->setWordWrap(true);
    m_sentence->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_changes->setObjectName(u"rooflineChanges"_s);
    m_changes->setAccessibleName(tr("Changes that would help"));
    m_changes->setHeaderLabels({tr("Change"), tr("Time"), tr("Faster")});
    m_changes->setRootIsDecorated(false);
    m_changes->setAlternatingRowColors(true);
    m_changes->setItemDelegate(new RoomyDelegate(m_changes));
    m_changes->setFrameShape(QFrame::NoFrame);
    m_changes->header()->setStretchLastSection(false);
    m_changes->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_changes->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_changes->header()->setSectionResizeMode(2, QHeaderView::ResizeToContents);
    auto* why = new QWidget;
    auto* column = new QVBoxLayout(why);
    column->setContentsMargins(8, 6, 8, 0);
    column->addWidget(m_sentence);
    column->addWidget(m_changes, 1);
    m_derivation->setObjectName(u"rooflineDerivation"_s);
    m_derivation->setAccessibleName(tr("How the numbers of the operation are computed"));
    m_derivation->setFrameShape(QFrame::NoFrame);
    m_derivation->setOpenLinks(false);
    addTab(why, tr("Why not faster?"));
    addTab(m_derivation, tr("How computed?"));
    connect(&m_session, &RooflineSession::changed, this, &DetailPanel::explain);
    connect(&m_session, &RooflineSession::selectionChanged, this, &DetailPanel::derive);
    explain();
    derive();
}

void DetailPanel::explain()
{
    m_changes->clear();
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    if (!analysis) {
        m_sentence->setText(m_session.error() ? toQString(m_session.error()->sentence()) : QString());
        return;
    }
    if (!analysis->explanation) {
        m_sentence->setText(tr("The accurate and the calibrated mode explain the stages decode and prefill."));
        return;
    }
    const roofline::Explanation& why = *analysis->explanation;
    QStringList sentences {
        tr("%1 of the time is bound by %2.").arg(format::percent(why.share), boundText(why.bound)),
        tr("%1 takes the most: %2.").arg(toQString(why.operation), format::percent(why.operationShare))};
    if (!why.isTried)
        sentences << tr("What would help is tried in the accurate mode.");
    else
        sentences << (why.changes.empty() ? tr("None of the usual changes would help.")
                                          : tr("What would help, tried one by one:"));
    m_sentence->setText(sentences.join(' '_L1));
    for (const roofline::Change& change : why.changes) {
        auto* item =
            new QTreeWidgetItem(m_changes, {toQString(change.name), format::scaled(change.seconds, u"s"_s),
                                            tr("%1 ×").arg(format::number(analysis->passSeconds / change.seconds, 3))});
        item->setToolTip(0, toQString(change.name));
        item->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
        item->setTextAlignment(2, Qt::AlignRight | Qt::AlignVCenter);
    }
}

void DetailPanel::derive()
{
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    const std::optional<int> selected = m_session.selected();
    if (!analysis || !selected) {
        m_derivation->setPlainText(tr("Select an operation in the chart, the graph or the table: its formulas and "
                                      "inputs stand here. Results tell theirs as tips."));
        return;
    }
    const AnalysedOperation& operation = analysis->operations[std::size_t(*selected)];
    const auto escaped = [](const std::string& text) { return toQString(text).toHtmlEscaped(); };
    QString html = u"<h3>%1</h3><p>%2</p>"_s.arg(
        escaped(operation.name),
        tr("%1; %2 of the time; bound by %3")
            .arg(placeText(operation), format::percent(operation.share), boundText(operation.bound))
            .toHtmlEscaped());
    for (const roofline::Derivation& each : operation.derivations) {
        html += u"<p><b>%1 = %2</b><br>= %3"_s.arg(quantityText(each.quantity).toHtmlEscaped(),
                                                   valueText(each).toHtmlEscaped(), escaped(each.formula));
        if (!each.inputs.empty())
            html += u"<br>= %1"_s.arg(escaped(each.inputs));
        html += u"</p>"_s;
    }
    m_derivation->setHtml(html);
}

} // namespace paretoscope::views
