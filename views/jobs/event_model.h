// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/snapshot/project_snapshot.h"

#include <QAbstractTableModel>

namespace paretoscope::views {

/// The project's log, oldest first; grows at the end.
class EventModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        Time,
        Text,
        ColumnCount
    };

    using QAbstractTableModel::QAbstractTableModel;

    void setSnapshot(const SnapshotPtr& snapshot);
    const core::EventRecord* event(int row) const;
    QString asText() const; ///< all lines, for a bug report

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    SnapshotPtr m_snapshot;
    int m_rows = 0;
};

} // namespace paretoscope::views
