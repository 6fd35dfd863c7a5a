// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/operation_table_model.h"

#include "views/format/format.h"
#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/roofline/roofline_text.h"
#include "views/widgets/plain_tip.h"

#include <array>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// A column of numbers, or of text where `unit` is nullptr.
struct Column
{
    const char* id;
    const char* title;
    const char* tip;
    const char* unit;
    double (*value)(const AnalysedOperation&);
};

constexpr const char* kShare = "%";

const std::array<Column, 13> kColumns {{
    {"operation", QT_TRANSLATE_NOOP("OperationTable", "Operation"),
     QT_TRANSLATE_NOOP("OperationTable", "In the order of the pass"), nullptr, nullptr},
    {"share", QT_TRANSLATE_NOOP("OperationTable", "Share"),
     QT_TRANSLATE_NOOP("OperationTable", "Of the time of the stage, all equal layers together"), kShare,
     [](const AnalysedOperation& o) { return o.share; }},
    {"time_s", QT_TRANSLATE_NOOP("OperationTable", "Time"), QT_TRANSLATE_NOOP("OperationTable", "Of one layer"), "s",
     [](const AnalysedOperation& o) { return o.seconds; }},
    {"bound", QT_TRANSLATE_NOOP("OperationTable", "Bound"),
     QT_TRANSLATE_NOOP("OperationTable", "What keeps it from being faster"), nullptr, nullptr},
    {"count", QT_TRANSLATE_NOOP("OperationTable", "Layers"),
     QT_TRANSLATE_NOOP("OperationTable", "How many equal ones there are"), "",
     [](const AnalysedOperation& o) { return o.count; }},
    {"flops", QT_TRANSLATE_NOOP("OperationTable", "FLOPs"), QT_TRANSLATE_NOOP("OperationTable", "Of one layer"), "FLOP",
     [](const AnalysedOperation& o) { return o.flops; }},
    {"bytes", QT_TRANSLATE_NOOP("OperationTable", "Bytes"),
     QT_TRANSLATE_NOOP("OperationTable", "Of one layer, from and to main memory"), "B",
     [](const AnalysedOperation& o) { return o.bytes(); }},
    {"intensity", QT_TRANSLATE_NOOP("OperationTable", "FLOP/B"),
     QT_TRANSLATE_NOOP("OperationTable", "Arithmetic intensity"), "",
     [](const AnalysedOperation& o) { return o.intensity(); }},
    {"performance", QT_TRANSLATE_NOOP("OperationTable", "Performance"),
     QT_TRANSLATE_NOOP("OperationTable", "FLOPs by time"), "FLOP/s",
     [](const AnalysedOperation& o) { return o.performance(); }},
    {"mfu", QT_TRANSLATE_NOOP("OperationTable", "MFU"),
     QT_TRANSLATE_NOOP("OperationTable", "Share of the peak rate of its number type that it reaches"), kShare,
     [](const AnalysedOperation& o) { return o.mfu(); }},
    {"mbu", QT_TRANSLATE_NOOP("OperationTable", "MBU"),
     QT_TRANSLATE_NOOP("OperationTable", "Share of the bandwidth that it reaches"), kShare,
     [](const AnalysedOperation& o) { return o.mbu(); }},
    {"weight_bytes", QT_TRANSLATE_NOOP("OperationTable", "Weights"),
     QT_TRANSLATE_NOOP("OperationTable", "Bytes of weights that one layer reads"), "B",
     [](const AnalysedOperation& o) { return o.weightBytes; }},
    {"cache_bytes", QT_TRANSLATE_NOOP("OperationTable", "Cache"),
     QT_TRANSLATE_NOOP("OperationTable", "Bytes of keys and values that one layer reads and writes"), "B",
     [](const AnalysedOperation& o) { return o.cacheBytes; }},
}};

QString translated(const char* text)
{
    return QCoreApplication::translate("OperationTable", text);
}

QString textOf(const AnalysedOperation& operation, const Column& column)
{
    if (!column.value)
        return QLatin1String(column.id) == "bound"_L1 ? boundText(operation.bound) : toQString(operation.name);
    const double value = column.value(operation);
    if (column.unit == kShare)
        return format::percent(value);
    return format::scaled(value, QLatin1String(column.unit));
}

/// The formula of what a column shows, where there is one.
QString howComputed(const AnalysedOperation& operation, const Column& column)
{
    const QLatin1String id(column.id);
    const QString wanted = id == "time_s"_L1 ? u"time"_s : QString(id);
    QStringList lines;
    for (const roofline::Derivation& each : operation.derivations) {
        const QString quantity = toQString(each.quantity);
        const bool isPart = id == "flops"_L1 && quantity.endsWith(u"_flops"_s);
        if (quantity != wanted && !isPart)
            continue;
        lines << u"%1 = %2"_s.arg(quantityText(each.quantity), toQString(each.formula));
        if (!each.inputs.empty())
            lines << u"= %1"_s.arg(toQString(each.inputs));
        lines << u"= %1"_s.arg(valueText(each));
    }
    return lines.join('\n'_L1);
}

} // namespace

OperationTableModel::OperationTableModel(const RooflineSession& session, QObject* parent)
    : QAbstractTableModel(parent)
    , m_session(session)
{
    connect(&session, &RooflineSession::changed, this, &OperationTableModel::takeAnalysis);
    takeAnalysis();
}

void OperationTableModel::takeAnalysis()
{
    const RooflineAnalysisPtr next = m_session.analysis();
    if (m_analysis && next && m_analysis->operations.size() == next->operations.size()) {
        m_analysis = next;
        if (rowCount() > 0)
            Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
        return;
    }
    beginResetModel();
    m_analysis = next;
    endResetModel();
}

int OperationTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_analysis ? 0 : int(m_analysis->operations.size());
}

int OperationTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(kColumns.size());
}

QString OperationTableModel::columnId(int column) const
{
    return QLatin1String(kColumns[std::size_t(column)].id);
}

QVariant OperationTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const AnalysedOperation& operation = m_analysis->operations[std::size_t(index.row())];
    const Column& column = kColumns[std::size_t(index.column())];
    switch (role) {
    case Qt::DisplayRole:
        return textOf(operation, column);
    case Qt::ToolTipRole: {
        const QString how = howComputed(operation, column);
        return plainTip(how.isEmpty() ? describeOperation(operation).join('\n'_L1) : how);
    }
    case Qt::TextAlignmentRole:
        return int((column.value ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case SortRole:
        if (!column.value)
            return index.column() == 0 ? QVariant(index.row()) : QVariant(textOf(operation, column));
        return column.value(operation);
    case ExactRole: {
        if (!column.value)
            return textOf(operation, column);
        const double value = column.value(operation);
        return std::isfinite(value) ? QString::number(value, 'g', 17) : QString();
    }
    default:
        return {};
    }
}

QVariant OperationTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation == Qt::Vertical || section < 0 || section >= int(kColumns.size()))
        return {};
    const Column& column = kColumns[std::size_t(section)];
    switch (role) {
    case Qt::DisplayRole:
        return translated(column.title);
    case Qt::ToolTipRole:
        return translated(column.tip);
    case Qt::TextAlignmentRole:
        return int((column.value ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case ExactRole:
        return columnId(section);
    default:
        return {};
    }
}

} // namespace paretoscope::views
