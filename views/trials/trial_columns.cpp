// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/trials/trial_columns.h"

#include "views/format/metric_text.h"
#include "views/format/text.h"
#include "views/selection/trial_filter.h"

#include <QCoreApplication>

#include <array>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::TrialRecord;

QVariant textOf(const std::string& value)
{
    return value.empty() ? QVariant() : QVariant(toQString(value));
}

QString joinedTags(const TrialRecord& trial)
{
    QStringList tags;
    for (const std::string& tag : trial.tags)
        tags << toQString(tag);
    return tags.join(", "_L1);
}

constexpr std::array kLeading {
    TrialColumn {"pipeline", QT_TRANSLATE_NOOP("TrialColumn", "Pipeline"),
                 QT_TRANSLATE_NOOP("TrialColumn", "The stages in order, with the parameters that were given"), "",
                 ColumnRole::Text, true, [](const TrialRecord& trial) { return textOf(trial.label); }},
    TrialColumn {"status", QT_TRANSLATE_NOOP("TrialColumn", "Status"),
                 QT_TRANSLATE_NOOP("TrialColumn", "Queued, running, done, failed or interrupted"), "",
                 ColumnRole::Status, true, [](const TrialRecord& trial) { return QVariant(int(trial.status)); }},
};

constexpr std::array kTrailing {
    TrialColumn {"time", QT_TRANSLATE_NOOP("TrialColumn", "Time"),
                 QT_TRANSLATE_NOOP("TrialColumn", "What the worker spent on the trial"), "s", ColumnRole::Number, true,
                 [](const TrialRecord& trial) { return trial.seconds > 0 ? QVariant(trial.seconds) : QVariant(); }},
    TrialColumn {"model", QT_TRANSLATE_NOOP("TrialColumn", "Model"),
                 QT_TRANSLATE_NOOP("TrialColumn", "Folder or file of the uncompressed model"), "", ColumnRole::Text,
                 false, [](const TrialRecord& trial) { return textOf(trial.workload); }},
    TrialColumn {"method", QT_TRANSLATE_NOOP("TrialColumn", "Method"),
                 QT_TRANSLATE_NOOP("TrialColumn", "The plugins of the pipeline, without their parameters"), "",
                 ColumnRole::Text, false, [](const TrialRecord& trial) { return QVariant(methodOf(trial)); }},
    TrialColumn {"sweep", QT_TRANSLATE_NOOP("TrialColumn", "Sweep"),
                 QT_TRANSLATE_NOOP("TrialColumn", "The sweep that asked for the trial first"), "", ColumnRole::Text,
                 false, [](const TrialRecord& trial) { return textOf(trial.sweep); }},
    TrialColumn {"seed", QT_TRANSLATE_NOOP("TrialColumn", "Seed"),
                 QT_TRANSLATE_NOOP("TrialColumn", "Start of all random draws"), "", ColumnRole::Number, false,
                 [](const TrialRecord& trial) { return QVariant(double(trial.seed)); }},
    TrialColumn {"attempts", QT_TRANSLATE_NOOP("TrialColumn", "Attempts"),
                 QT_TRANSLATE_NOOP("TrialColumn", "How often a worker began it"), "", ColumnRole::Number, false,
                 [](const TrialRecord& trial) { return QVariant(double(trial.attempts)); }},
    TrialColumn {"started", QT_TRANSLATE_NOOP("TrialColumn", "Started"),
                 QT_TRANSLATE_NOOP("TrialColumn", "When the last attempt began"), "", ColumnRole::Time, false,
                 [](const TrialRecord& trial) { return textOf(trial.startedUtc); }},
    TrialColumn {"finished", QT_TRANSLATE_NOOP("TrialColumn", "Finished"),
                 QT_TRANSLATE_NOOP("TrialColumn", "When it ended"), "", ColumnRole::Time, false,
                 [](const TrialRecord& trial) { return textOf(trial.finishedUtc); }},
    TrialColumn {"tags", QT_TRANSLATE_NOOP("TrialColumn", "Tags"), QT_TRANSLATE_NOOP("TrialColumn", "Your tags"), "",
                 ColumnRole::Text, false, [](const TrialRecord& trial) { return QVariant(joinedTags(trial)); }},
    TrialColumn {"id", QT_TRANSLATE_NOOP("TrialColumn", "Trial"),
                 QT_TRANSLATE_NOOP("TrialColumn", "Start of the trial's identity, a SHA-256"), "", ColumnRole::Text,
                 false, [](const TrialRecord& trial) { return QVariant(format::shortId(toQString(trial.id.hex()))); }},
};

TableColumn tableColumn(const TrialColumn& fixed)
{
    return {.id = QLatin1String(fixed.id),
            .title = QCoreApplication::translate("TrialColumn", fixed.title),
            .doc = QCoreApplication::translate("TrialColumn", fixed.doc),
            .unit = QLatin1String(fixed.unit),
            .role = fixed.role,
            .shown = fixed.shown,
            .fixed = &fixed,
            .metric = {},
            .protocol = {},
            .style = {}};
}

void addMetricColumns(std::vector<TableColumn>& columns, const ProjectSnapshot& snapshot)
{
    for (const MetricSummary& metric : snapshot.metrics) {
        const MetricText text = metricText(metric.name);
        for (const std::string& protocol : metric.protocols) {
            const bool several = metric.protocols.size() > 1;
            const QString tip = protocol.empty() ? text.doc : u"%1\n%2"_s.arg(text.doc, toQString(protocol));
            columns.push_back({.id = u"metric:%1:%2"_s.arg(toQString(metric.name), toQString(protocol)),
                               .title = several
                                            ? u"%1 [%2]"_s.arg(text.title, toQString(protocol).section('/'_L1, 1, 2))
                                            : text.title,
                               .doc = tip,
                               .unit = toQString(metric.unit),
                               .role = ColumnRole::Number,
                               .shown = true,
                               .fixed = nullptr,
                               .metric = metric.name,
                               .protocol = protocol,
                               .style = {}});
        }
    }
}

} // namespace

std::span<const TrialColumn> leadingColumns()
{
    return kLeading;
}

std::span<const TrialColumn> trailingColumns()
{
    return kTrailing;
}

QString statusText(core::TrialStatus status)
{
    switch (status) {
    case core::TrialStatus::Queued:
        return QCoreApplication::translate("TrialColumn", "queued");
    case core::TrialStatus::Running:
        return QCoreApplication::translate("TrialColumn", "running");
    case core::TrialStatus::Done:
        return QCoreApplication::translate("TrialColumn", "done");
    case core::TrialStatus::Failed:
        return QCoreApplication::translate("TrialColumn", "failed");
    case core::TrialStatus::Interrupted:
        return QCoreApplication::translate("TrialColumn", "interrupted");
    }
    return {};
}

QVariant TableColumn::value(const core::TrialRecord& trial) const
{
    if (fixed)
        return fixed->value(trial);
    const core::MetricRecord* found = measurement(trial, metric, protocol);
    return found ? QVariant(*found->value) : QVariant();
}

QString TableColumn::text(const core::TrialRecord& trial) const
{
    const QVariant raw = value(trial);
    if (!raw.isValid())
        return format::missing();
    switch (role) {
    case ColumnRole::Number:
        return format::inColumn(raw.toDouble(), style);
    case ColumnRole::Time:
        return format::dateTime(raw.toString());
    case ColumnRole::Status:
        return statusText(trial.status);
    case ColumnRole::Text:
        break;
    }
    return raw.toString();
}

QString TableColumn::exactText(const core::TrialRecord& trial) const
{
    const QVariant raw = value(trial);
    if (!raw.isValid())
        return {};
    if (role == ColumnRole::Number)
        return QString::number(raw.toDouble(), 'g', 12);
    return role == ColumnRole::Status ? toQString(core::trialStatusName(trial.status)) : raw.toString();
}

QString TableColumn::header() const
{
    return format::titleWithUnit(title, style.unit);
}

QString TableColumn::exactHeader() const
{
    return unit.isEmpty() ? title : u"%1 [%2]"_s.arg(title, unit);
}

std::vector<TableColumn> columnsOf(const ProjectSnapshot& snapshot)
{
    std::vector<TableColumn> columns;
    for (const TrialColumn& fixed : kLeading)
        columns.push_back(tableColumn(fixed));
    addMetricColumns(columns, snapshot);
    for (const TrialColumn& fixed : kTrailing)
        columns.push_back(tableColumn(fixed));
    std::vector<double> values;
    for (TableColumn& column : columns) {
        if (!column.isNumeric())
            continue;
        values.clear();
        for (const core::TrialRecord& trial : snapshot.trials) {
            if (const QVariant value = column.value(trial); value.isValid())
                values.push_back(value.toDouble());
        }
        column.style = format::columnStyle(values, column.unit);
    }
    return columns;
}

} // namespace paretoscope::views
