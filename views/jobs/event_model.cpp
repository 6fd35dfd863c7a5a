// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/jobs/event_model.h"

#include "views/format/format.h"
#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"
#include "views/widgets/plain_tip.h"

#include <QGuiApplication>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

bool sameEvent(const core::EventRecord& a, const core::EventRecord& b)
{
    return a.timeUtc == b.timeUtc && a.kind == b.kind && a.trial == b.trial && a.text == b.text;
}

} // namespace

void EventModel::setSnapshot(const SnapshotPtr& snapshot)
{
    const std::size_t next = snapshot ? snapshot->events.size() : 0;
    const bool grows =
        m_snapshot && snapshot && m_snapshot->path == snapshot->path && m_snapshot->events.size() <= next &&
        std::equal(m_snapshot->events.begin(), m_snapshot->events.end(), snapshot->events.begin(), sameEvent);
    if (!grows) {
        beginResetModel();
        m_snapshot = snapshot;
        m_rows = int(next);
        endResetModel();
        return;
    }
    m_snapshot = snapshot;
    if (int(next) == m_rows)
        return;
    beginInsertRows({}, m_rows, int(next) - 1);
    m_rows = int(next);
    endInsertRows();
}

const core::EventRecord* EventModel::event(int row) const
{
    return row >= 0 && row < m_rows ? &m_snapshot->events[std::size_t(row)] : nullptr;
}

QString EventModel::asText() const
{
    QString text;
    for (int row = 0; row < m_rows; ++row) {
        const core::EventRecord& record = m_snapshot->events[std::size_t(row)];
        text += u"%1 %2 %3 %4 %5\n"_s.arg(toQString(record.timeUtc), toQString(record.level), toQString(record.kind),
                                          toQString(record.trial), toQString(record.text));
    }
    return text;
}

int EventModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : m_rows;
}

int EventModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(ColumnCount);
}

QVariant EventModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const core::EventRecord& record = m_snapshot->events[std::size_t(index.row())];
    const ThemeColours& colours = themeColours(QGuiApplication::palette());
    if (role == Qt::DisplayRole)
        return index.column() == Time ? format::timeOfDay(toQString(record.timeUtc)) : toQString(record.text);
    if (role == Qt::ToolTipRole)
        return plainTip(u"%1\n%2"_s.arg(format::dateTime(toQString(record.timeUtc)), toQString(record.text)));
    if (role == Qt::DecorationRole && index.column() == Text) {
        if (record.level == "error")
            return themedIcon(u"error"_s, colours.error);
        if (record.level == "warn")
            return themedIcon(u"warning"_s, colours.warning);
    }
    if (role == Qt::ForegroundRole && index.column() == Time)
        return QBrush(colours.mutedText);
    return {};
}

QVariant EventModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    return section == Time ? tr("Time") : tr("What happened");
}

} // namespace paretoscope::views
