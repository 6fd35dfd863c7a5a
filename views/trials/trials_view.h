// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"
#include "views/selection/selection_model.h"
#include "views/snapshot/project_snapshot.h"

#include <QHash>
#include <QJsonObject>
#include <QWidget>

class QItemSelection;
class QMenu;
class QStackedLayout;

namespace paretoscope::views {

class EmptyState;
class FilterBar;
class FrozenTableView;
class TrialProxy;
class TrialTableModel;

/// The trials dock: filter, table, column chooser, copying. Selection and hover are the shared ones.
class TrialsView : public QWidget
{
    Q_OBJECT

public:
    explicit TrialsView(SelectionModel& selection, QWidget* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot);
    EmptyState& emptyState() { return *m_empty; }
    FrozenTableView& table() { return *m_table; }
    TrialTableModel& model() { return *m_model; }
    TrialProxy& proxy() { return *m_proxy; }
    FilterBar& filterBar() { return *m_filter; }

    /// Header and the selected rows (all shown ones when none is selected) of the visible columns, in visual order.
    /// `exact`: base units and C numbers for other programs; else as on the screen.
    QList<QStringList> selectedCells(bool exact, bool withHeader = true) const;

    QJsonObject saveState() const;
    void restoreState(const QJsonObject& state);
    /// Writes the table to a file; its ending (.csv .tsv .md .tex) decides how. Errors: InvalidArgument, Io.
    core::Status exportTo(const QString& file) const;

Q_SIGNALS:
    void failed(const paretoscope::core::Error& error);
    void exported(const QString& file);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void createTable();
    void createCommands();
    QAction* addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon);
    void fillColumnMenu(QMenu& menu);
    void applyColumnVisibility();
    void takeSelection(const QItemSelection& added, const QItemSelection& removed); ///< table -> shared selection
    void applyFilter();
    void showSelection(); ///< shared selection -> table
    void showContextMenu(const QPoint& globalPosition);
    void chooseExport();

    SelectionModel& m_selection;
    TrialTableModel* m_model;
    TrialProxy* m_proxy;
    FrozenTableView* m_table;
    FilterBar* m_filter;
    EmptyState* m_empty;
    QStackedLayout* m_stack = nullptr;
    QHash<QString, bool> m_columnShown; ///< the user's choices by column id
    QHash<QString, int> m_columnWidth;
    bool m_syncing = false;
};

} // namespace paretoscope::views
