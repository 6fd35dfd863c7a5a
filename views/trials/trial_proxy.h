// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/selection/selection_model.h"
#include "views/trials/trial_table_model.h"

#include <QSortFilterProxyModel>

namespace paretoscope::views {

/// Sorted by value (missing ones last in both directions) and narrowed by the shared filter.
class TrialProxy : public QSortFilterProxyModel
{
    Q_OBJECT

public:
    TrialProxy(TrialTableModel& model, SelectionModel& selection, QObject* parent = nullptr);

    void applyFilter(); ///< the shared filter has changed
    std::optional<core::TrialId> idAt(int row) const;
    int rowOf(const core::TrialId& id) const; ///< -1 when filtered out

protected:
    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
    bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

private:
    TrialTableModel& m_model;
    SelectionModel& m_selection;
};

} // namespace paretoscope::views
