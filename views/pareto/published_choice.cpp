// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/published_choice.h"

#include <QMenu>

#include <algorithm>

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

bool PublishedChoice::hasPlace(const PublishedSeries& series) const
{
    return std::any_of(series.points.begin(), series.points.end(), [this](std::size_t index) {
        const core::PublishedPoint& point = m_snapshot->published[index];
        return publishedValue(point, m_x) && publishedValue(point, m_y);
    });
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
    for (const PublishedSeries& series : publishedSeries(*m_snapshot)) {
        if (!hasPlace(series))
            continue;
        QMenu*& models = headings[series.heading];
        if (!models)
            models = m_menu->addMenu(series.heading);
        QAction* model = models->addAction(series.model.isEmpty() ? tr("any model") : series.model);
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
        m_menu->addAction(tr("None has a place on these axes; most have one on perplexity against bits per parameter"))
            ->setEnabled(false);
}

} // namespace paretoscope::views
