// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/published_overlay.h"

#include <QStringList>
#include <QToolButton>

class QMenu;

namespace paretoscope::views {

/// Choice of the published points that are drawn beside the trials: none until the user asks for them. Hidden while the
/// project holds none.
class PublishedChoice : public QToolButton
{
    Q_OBJECT

public:
    explicit PublishedChoice(QWidget* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot); ///< null: no project
    void setAxes(const MetricSummary& x, const MetricSummary& y);
    const QStringList& chosen() const { return m_chosen; } ///< ids of series
    void choose(const QStringList& ids);                   ///< does not emit

Q_SIGNALS:
    void chosenByUser();

private:
    void fill();

    SnapshotPtr m_snapshot;
    MetricSummary m_x;
    MetricSummary m_y;
    QStringList m_chosen;
    QMenu* m_menu;
};

} // namespace paretoscope::views
