// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/inspector/inspector_model.h"

#include "views/format/format.h"
#include "views/format/metric_text.h"
#include "views/format/text.h"
#include "views/trials/trial_columns.h"
#include "views/widgets/plain_tip.h"

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr int kMostChildren = 200; ///< of a list in the provenance; the JSON copy has all

QString valueText(const core::Json& value)
{
    if (value.is_string())
        return toQString(value.get_ref<const std::string&>());
    return toQString(value.dump());
}

QString stringOr(const core::Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? toQString(found->get_ref<const std::string&>()) : QString();
}

void appendLines(QString& text, const QStandardItem& parent, int depth)
{
    for (int row = 0; row < parent.rowCount(); ++row) {
        const QStandardItem* value = parent.child(row, 1);
        text += QString(depth * 2, ' '_L1) + parent.child(row, 0)->text();
        text += value && !value->text().isEmpty() ? u": %1\n"_s.arg(value->text()) : u"\n"_s;
        appendLines(text, *parent.child(row, 0), depth + 1);
    }
}

} // namespace

InspectorModel::InspectorModel(QObject* parent)
    : QStandardItemModel(0, 2, parent)
{
    setHorizontalHeaderLabels({tr("Property"), tr("Value")});
}

QStandardItem* InspectorModel::addSection(const QString& title)
{
    auto* name = new QStandardItem(title);
    auto* value = new QStandardItem;
    for (QStandardItem* item : {name, value})
        item->setEditable(false);
    QFont bold;
    bold.setWeight(QFont::DemiBold);
    name->setFont(bold);
    appendRow({name, value});
    return name;
}

void InspectorModel::addRow(QStandardItem& parent, const QString& name, const QString& value, const QString& tip)
{
    auto* nameItem = new QStandardItem(name);
    auto* valueItem = new QStandardItem(value);
    for (QStandardItem* item : {nameItem, valueItem}) {
        item->setEditable(false);
        item->setToolTip(plainTip(tip.isEmpty() ? value : tip));
    }
    parent.appendRow({nameItem, valueItem});
}

void InspectorModel::show(const core::TrialRecord* trial, const core::PluginCatalogue* plugins)
{
    removeRows(0, rowCount());
    if (!trial)
        return;
    QStandardItem* identity = addSection(tr("Trial"));
    addRow(*identity, tr("Pipeline"), toQString(trial->label));
    addRow(*identity, tr("Status"), statusText(trial->status));
    addRow(*identity, tr("Model"), toQString(trial->workload));
    if (!trial->sweep.empty())
        addRow(*identity, tr("Sweep"), toQString(trial->sweep));
    addRow(*identity, tr("Seed"), QString::number(trial->seed));
    if (trial->seconds > 0)
        addRow(*identity, tr("Time"), format::duration(trial->seconds));
    if (!trial->finishedUtc.empty())
        addRow(*identity, tr("Finished"), format::dateTime(toQString(trial->finishedUtc)),
               toQString(trial->finishedUtc));
    if (trial->attempts > 1)
        addRow(*identity, tr("Attempts"), QString::number(trial->attempts));
    QStringList tags;
    for (const std::string& tag : trial->tags)
        tags << toQString(tag);
    if (!tags.isEmpty())
        addRow(*identity, tr("Tags"), tags.join(", "_L1));
    addRow(*identity, tr("Id"), toQString(trial->id.hex()));
    if (trial->error) {
        QStandardItem* error = addSection(tr("Error"));
        addRow(*error, tr("What"), toQString(trial->error->message));
        if (!trial->error->hint.empty())
            addRow(*error, tr("Remedy"), toQString(trial->error->hint));
        addRow(*error, tr("Kind"), toQString(core::errorCodeName(trial->error->code)));
    }
    addMeasurements(*trial);
    addStages(*trial, plugins);
    if (trial->provenance.is_object() && !trial->provenance.empty()) {
        QStandardItem* provenance = addSection(tr("Provenance"));
        for (const auto& [name, value] : trial->provenance.items())
            addJson(*provenance, toQString(name), value);
    }
}

void InspectorModel::addMeasurements(const core::TrialRecord& trial)
{
    if (trial.metrics.empty())
        return;
    QStandardItem* section = addSection(tr("Measurements"));
    for (const core::MetricRecord& metric : trial.metrics) {
        const MetricText text = metricText(metric.name);
        const QString value = metric.value
                                  ? format::metricValue(*metric.value, toQString(metric.unit), metric.standardError)
                                  : tr("not finite");
        addRow(*section, text.title, value, text.doc);
        QStandardItem& item = *section->child(section->rowCount() - 1);
        item.setData(!metric.protocol.empty(), OpenRole);
        if (metric.value && metric.unit == "B")
            addRow(item, tr("Bytes"), format::integer(std::int64_t(*metric.value)));
        if (!metric.protocol.empty())
            addRow(item, tr("Protocol"), toQString(metric.protocol));
        if (metric.n > 1)
            addRow(item, tr("Averaged over"), format::integer(metric.n),
                   tr("What the standard error is computed over, e.g. windows"));
        if (!metric.device.empty())
            addRow(item, tr("Measured on"),
                   tr("%1, %2, %n thread(s)", nullptr, metric.threads)
                       .arg(toQString(metric.device), toQString(metric.dtype)));
        if (!metric.build.empty())
            addRow(item, tr("Build"), toQString(metric.build));
    }
}

void InspectorModel::addStages(const core::TrialRecord& trial, const core::PluginCatalogue* plugins)
{
    if (!trial.pipeline.is_array() || trial.pipeline.empty())
        return;
    QStandardItem* section = addSection(tr("Stages"));
    for (const core::Json& stage : trial.pipeline) {
        const QString id = stringOr(stage, "plugin");
        const core::PluginManifest* manifest = nullptr;
        if (plugins) {
            if (const auto found = plugins->find(id.toStdString()); found.ok())
                manifest = found.value();
        }
        addRow(*section, manifest ? toQString(manifest->name) : id, tr("version %1").arg(stringOr(stage, "version")),
               manifest ? toQString(manifest->summary) : id);
        QStandardItem& item = *section->child(section->rowCount() - 1);
        item.setData(true, OpenRole);
        const auto parameters = stage.find("parameters");
        if (parameters == stage.end() || !parameters->is_object())
            continue;
        addParameters(item, *parameters, manifest);
    }
}

void InspectorModel::addParameters(QStandardItem& stage, const core::Json& parameters,
                                   const core::PluginManifest* manifest)
{
    QList<QStringList> defaults; // name, value, tool tip: what the user did not ask for comes last, folded
    for (const auto& [name, value] : parameters.items()) {
        const core::ParameterSpec* spec = manifest ? manifest->parameter(name) : nullptr;
        const QString unit = spec ? toQString(spec->unit) : QString();
        const QString text = unit.isEmpty() ? valueText(value) : u"%1 %2"_s.arg(valueText(value), unit);
        const QString tip = spec ? toQString(spec->doc) : QString();
        if (spec && spec->defaultValue == value)
            defaults << QStringList {toQString(name), text, tip};
        else
            addRow(stage, toQString(name), text, tip);
    }
    if (defaults.isEmpty())
        return;
    addRow(stage, tr("Defaults"), tr("%n parameter(s)", nullptr, int(defaults.size())));
    for (const QStringList& row : defaults)
        addRow(*stage.child(stage.rowCount() - 1), row[0], row[1], row[2]);
}

void InspectorModel::addJson(QStandardItem& parent, const QString& name, const core::Json& value)
{
    if (!value.is_structured()) {
        addRow(parent, name, valueText(value));
        return;
    }
    const bool isFlat =
        std::none_of(value.begin(), value.end(), [](const core::Json& item) { return item.is_structured(); });
    addRow(parent, name, isFlat && value.is_array() && value.size() <= 8 ? valueText(value) : QString());
    QStandardItem& item = *parent.child(parent.rowCount() - 1);
    int count = 0;
    for (const auto& [key, child] : value.items()) {
        if (++count > kMostChildren) {
            addRow(item, tr("…"), tr("%n more", nullptr, int(value.size()) - kMostChildren));
            break;
        }
        if (value.is_object() || child.is_structured() || value.size() > 8)
            addJson(item, toQString(key), child);
    }
}

QString InspectorModel::asText() const
{
    QString text;
    appendLines(text, *invisibleRootItem(), 0);
    return text;
}

} // namespace paretoscope::views
