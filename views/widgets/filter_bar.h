// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/query/query_completion.h"
#include "views/selection/selection_model.h"
#include "views/snapshot/project_snapshot.h"

#include <QWidget>

class QCompleter;
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
    void offerCompletions();
    void insert(const QString& candidate);

    SelectionModel& m_selection;
    SnapshotPtr m_snapshot;
    QLineEdit* m_edit;
    QLabel* m_count;
    QStringListModel* m_candidates;
    QCompleter* m_completer;
    core::QueryCompletion m_completion; ///< as offered last
};

} // namespace paretoscope::views
