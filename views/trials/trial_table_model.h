// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/trials/trial_columns.h"

#include <QAbstractTableModel>

#include <optional>

namespace paretoscope::views {

/// The trials of a snapshot as a table. A newer snapshot of the same project inserts and changes exactly the rows and
/// columns that differ, so that selection and scroll position stay; another project resets.
class TrialTableModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Role
    {
        SortRole = Qt::UserRole,
        ExactRole
    };

    using QAbstractTableModel::QAbstractTableModel;

    void setSnapshot(const SnapshotPtr& snapshot);
    const SnapshotPtr& snapshot() const { return m_snapshot; }
    const std::vector<TableColumn>& columns() const { return m_columns; }
    int columnOf(const QString& id) const; ///< -1 when there is none
    const core::TrialRecord* trial(int row) const;
    int rowOf(const core::TrialId& id) const; ///< -1 when there is none

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    bool updateColumns(const ProjectSnapshot& next); ///< false: too different, reset
    void updateStyles(std::vector<TableColumn> next);
    void updateRows(const SnapshotPtr& next);
    QString toolTip(const core::TrialRecord& trial, const TableColumn& column) const;

    SnapshotPtr m_snapshot;
    std::vector<TableColumn> m_columns;
    int m_rows = 0; ///< as told to views; lags behind m_snapshot only inside setSnapshot
};

} // namespace paretoscope::views
