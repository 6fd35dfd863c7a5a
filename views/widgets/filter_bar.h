// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/selection/selection_model.h"
#include "views/snapshot/project_snapshot.h"

#include <QWidget>

class QLabel;
class QLineEdit;
class QStringListModel;

namespace paretoscope::views {

/// The filter that all views share, with completion of names and a word about misspelt ones.
class FilterBar : public QWidget
{
    Q_OBJECT

public:
    explicit FilterBar(SelectionModel& selection, QWidget* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot);

public Q_SLOTS:
    void focusFilter();

private:
    void check();

    SelectionModel& m_selection;
    SnapshotPtr m_snapshot;
    QLineEdit* m_edit;
    QLabel* m_count;
    QStringListModel* m_names;
};

} // namespace paretoscope::views
