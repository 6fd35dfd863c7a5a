// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/published_choice.h"

#include <QMenu>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

PublishedChoice::PublishedChoice(QWidget* parent)
    : QToolButton(parent)
    , m_menu(new QMenu(this))
{
    setObjectName(u"paretoPublished"_s);
    setText(tr("Published"));
    setToolTip(tr("Draws numbers of papers beside the trials. They were measured under other protocols: none is drawn "
                  "unasked"));
    setAccessibleName(tr("Published points"));
    setAutoRaise(true);
    setPopupMode(QToolButton::InstantPopup);
    m_menu->setToolTipsVisible(true);
    setMenu(m_menu);
    connect(m_menu, &QMenu::aboutToShow, this, &PublishedChoice::fill);
    hide();
}

void PublishedChoice::setSnapshot(const SnapshotPtr& snapshot)
{
    m_snapshot = snapshot;
    setVisible(snapshot && !snapshot->published.empty());
}

void PublishedChoice::setAxes(const MetricSummary& x, const MetricSummary& y)
{
    m_x = x;
    m_y = y;
}

void PublishedChoice::choose(const QStringList& ids)
{
    m_chosen = ids;
}

void PublishedChoice::fill()
{
    m_menu->clear();
    qDeleteAll(m_menu->findChildren<QMenu*>(Qt::FindDirectChildrenOnly));
    if (!m_snapshot)
        return;
    if (!m_chosen.isEmpty()) {
        QAction* none = m_menu->addAction(tr("Draw none"));
        connect(none, &QAction::triggered, this, [this] {
            m_chosen.clear();
            Q_EMIT chosenByUser();
        });
        m_menu->addSeparator();
    }
    QMap<QString, QMenu*> headings;
    for (const PublishedSeries& series : publishedSeries(*m_snapshot, m_x, m_y)) {
        QMenu*& models = headings[series.heading];
        if (!models)
            models = m_menu->addMenu(series.heading);
        QAction* model = models->addAction(
            u"%1 (%2)"_s.arg(series.model.isEmpty() ? tr("any model") : series.model).arg(series.marks.size()));
        model->setObjectName(series.id);
        model->setCheckable(true);
        model->setChecked(m_chosen.contains(series.id));
        connect(model, &QAction::toggled, this, [this, id = series.id](bool isChosen) {
            m_chosen.removeAll(id);
            if (isChosen)
                m_chosen << id;
            Q_EMIT chosenByUser();
        });
    }
    if (headings.isEmpty())
        m_menu
            ->addAction(tr("None has a place on both axes; most have one on perplexity, accuracy, bits per parameter "
                           "or stored size"))
            ->setEnabled(false);
}

} // namespace paretoscope::views
