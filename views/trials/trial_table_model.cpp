// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/trials/trial_table_model.h"

#include "views/format/text.h"
#include "views/theme/status_icon.h"
#include "views/widgets/plain_tip.h"

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Whether the trials that were there are still the first ones, in the same order.
bool continues(const ProjectSnapshot& before, const ProjectSnapshot& after)
{
    return before.path == after.path && before.trials.size() <= after.trials.size() &&
           std::equal(before.trials.begin(), before.trials.end(), after.trials.begin(),
                      [](const core::TrialRecord& a, const core::TrialRecord& b) { return a.id == b.id; });
}

} // namespace

void TrialTableModel::setSnapshot(const SnapshotPtr& snapshot)
{
    if (m_snapshot && snapshot && continues(*m_snapshot, *snapshot) && updateColumns(*snapshot)) {
        updateRows(snapshot);
        updateStyles(columnsOf(*snapshot));
        return;
    }
    beginResetModel();
    m_snapshot = snapshot;
    m_columns = snapshot ? columnsOf(*snapshot) : std::vector<TableColumn>();
    m_rows = snapshot ? int(snapshot->trials.size()) : 0;
    endResetModel();
}

bool TrialTableModel::updateColumns(const ProjectSnapshot& next)
{
    const std::vector<TableColumn> wanted = columnsOf(next);
    const auto idOf = [](const TableColumn& column) { return column.id; };
    std::size_t at = 0;
    for (const TableColumn& column : wanted) { // the old ones must be a subsequence of the new ones
        if (at < m_columns.size() && m_columns[at].id == column.id)
            ++at;
    }
    if (at != m_columns.size())
        return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (i < m_columns.size() && idOf(m_columns[i]) == idOf(wanted[i]))
            continue;
        beginInsertColumns({}, int(i), int(i));
        m_columns.insert(m_columns.begin() + std::ptrdiff_t(i), wanted[i]);
        endInsertColumns();
    }
    return true;
}

void TrialTableModel::updateRows(const SnapshotPtr& next)
{
    const SnapshotPtr before = m_snapshot;
    const int oldCount = m_rows;
    const int newCount = int(next->trials.size());
    m_snapshot = next;
    if (newCount > oldCount) {
        beginInsertRows({}, oldCount, newCount - 1);
        m_rows = newCount;
        endInsertRows();
    }
    for (int row = 0; row < oldCount; ++row) {
        if (differs(before->trials[std::size_t(row)], next->trials[std::size_t(row)]))
            Q_EMIT dataChanged(index(row, 0), index(row, columnCount() - 1));
    }
}

void TrialTableModel::updateStyles(std::vector<TableColumn> next)
{
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        if (m_columns[i].style == next[i].style && m_columns[i].title == next[i].title)
            continue;
        m_columns[i] = std::move(next[i]);
        Q_EMIT headerDataChanged(Qt::Horizontal, int(i), int(i));
        if (m_rows > 0)
            Q_EMIT dataChanged(index(0, int(i)), index(m_rows - 1, int(i)), {Qt::DisplayRole});
    }
}

int TrialTableModel::columnOf(const QString& id) const
{
    const auto found =
        std::find_if(m_columns.begin(), m_columns.end(), [&](const TableColumn& column) { return column.id == id; });
    return found == m_columns.end() ? -1 : int(found - m_columns.begin());
}

const core::TrialRecord* TrialTableModel::trial(int row) const
{
    return row >= 0 && row < m_rows ? &m_snapshot->trials[std::size_t(row)] : nullptr;
}

int TrialTableModel::rowOf(const core::TrialId& id) const
{
    if (!m_snapshot)
        return -1;
    const auto found = m_snapshot->rows.find(id);
    return found == m_snapshot->rows.end() || found->second >= m_rows ? -1 : found->second;
}

int TrialTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : m_rows;
}

int TrialTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(m_columns.size());
}

QVariant TrialTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const core::TrialRecord& record = m_snapshot->trials[std::size_t(index.row())];
    const TableColumn& column = m_columns[std::size_t(index.column())];
    switch (role) {
    case Qt::DisplayRole:
        return column.text(record);
    case Qt::ToolTipRole:
        return plainTip(toolTip(record, column));
    case Qt::TextAlignmentRole:
        return int((column.isNumeric() ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::DecorationRole:
        return column.role == ColumnRole::Status ? QVariant(statusIcon(record.status)) : QVariant();
    case SortRole:
        return column.value(record);
    case ExactRole:
        return column.exactText(record);
    default:
        return {};
    }
}

QString TrialTableModel::toolTip(const core::TrialRecord& record, const TableColumn& column) const
{
    if (column.role == ColumnRole::Status && record.error)
        return u"%1\n%2"_s.arg(toQString(record.error->message), toQString(record.error->hint)).trimmed();
    if (!column.metric.empty()) {
        if (const core::MetricRecord* found = measurement(record, column.metric, column.protocol))
            return u"%1: %2\n%3"_s
                .arg(column.title, format::metricValue(*found->value, column.unit, found->standardError),
                     toQString(column.protocol))
                .trimmed();
    }
    return column.text(record);
}

QVariant TrialTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation == Qt::Vertical)
        return role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
    if (section < 0 || section >= int(m_columns.size()))
        return {};
    const TableColumn& column = m_columns[std::size_t(section)];
    switch (role) {
    case Qt::DisplayRole:
        return column.header();
    case Qt::ToolTipRole:
        return plainTip(column.doc);
    case Qt::TextAlignmentRole:
        return int((column.isNumeric() ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case ExactRole:
        return column.exactHeader();
    default:
        return {};
    }
}

} // namespace paretoscope::views
