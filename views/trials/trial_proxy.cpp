// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/trials/trial_proxy.h"

namespace paretoscope::views {

TrialProxy::TrialProxy(TrialTableModel& model, SelectionModel& selection, QObject* parent)
    : QSortFilterProxyModel(parent)
    , m_model(model)
    , m_selection(selection)
{
    setSourceModel(&model);
    setSortRole(TrialTableModel::SortRole);
}

void TrialProxy::applyFilter()
{
    invalidateRowsFilter();
}

std::optional<core::TrialId> TrialProxy::idAt(int row) const
{
    const core::TrialRecord* trial = m_model.trial(mapToSource(index(row, 0)).row());
    return trial ? std::optional(trial->id) : std::nullopt;
}

int TrialProxy::rowOf(const core::TrialId& id) const
{
    const int row = m_model.rowOf(id);
    return row < 0 ? -1 : mapFromSource(m_model.index(row, 0)).row();
}

bool TrialProxy::filterAcceptsRow(int row, const QModelIndex&) const
{
    const core::TrialRecord* trial = m_model.trial(row);
    return trial && m_selection.filter().accepts(*trial, m_model.snapshot()->baseline(std::size_t(row)));
}

bool TrialProxy::lessThan(const QModelIndex& left, const QModelIndex& right) const
{
    const QVariant a = left.data(TrialTableModel::SortRole);
    const QVariant b = right.data(TrialTableModel::SortRole);
    if (a.isValid() != b.isValid())
        return a.isValid() == (sortOrder() == Qt::AscendingOrder);
    if (a.isValid() && a.typeId() != QMetaType::QString)
        return a.toDouble() < b.toDouble();
    return QString::localeAwareCompare(a.toString(), b.toString()) < 0;
}

} // namespace paretoscope::views
