// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/jobs/run_model.h"
#include "views/selection/selection_model.h"

#include <QTimer>
#include <QWidget>

class QAction;
class QLabel;
class QProgressBar;
class QStackedLayout;
class QTableView;
class QToolButton;

namespace paretoscope::views {

class EmptyState;
class EventModel;

/// The jobs dock: what runs, how far it is, what happened; and Stop.
class JobsView : public QWidget
{
    Q_OBJECT

public:
    explicit JobsView(SelectionModel& selection, QWidget* parent = nullptr);

    RunModel& run() { return *m_run; }
    EmptyState& emptyState() { return *m_empty; }
    QAction* stopAction() { return m_stop; }
    void setSnapshot(const SnapshotPtr& snapshot);

Q_SIGNALS:
    void stopRequested();
    void continueRequested(); ///< the same sweep once more: what is done is not run again

private:
    void createTables();
    void createCommands();
    void showRun();
    void selectRow();

    SelectionModel& m_selection;
    RunModel* m_run;
    EventModel* m_events;
    QTableView* m_runTable;
    QTableView* m_eventTable;
    QLabel* m_headline;
    QLabel* m_times;
    QProgressBar* m_progress;
    QAction* m_stop = nullptr;
    QAction* m_continue = nullptr;
    QToolButton* m_continueButton = nullptr;
    EmptyState* m_empty;
    QStackedLayout* m_stack = nullptr;
    QTimer m_ticker;
};

} // namespace paretoscope::views
