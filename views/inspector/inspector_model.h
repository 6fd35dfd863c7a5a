// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/plugin/manifest.h"
#include "core/project/records.h"

#include <QStandardItemModel>

namespace paretoscope::views {

/// Everything about one trial as a tree of names and values: identity, stages with parameters, measurements with
/// standard error and protocol, error with its remedy, provenance.
class InspectorModel : public QStandardItemModel
{
    Q_OBJECT

public:
    enum Role
    {
        OpenRole = Qt::UserRole ///< shown unfolded at first
    };

    explicit InspectorModel(QObject* parent = nullptr);

    /// `plugins` lends units and docs of parameters; may be null.
    void show(const core::TrialRecord* trial, const core::PluginCatalogue* plugins);
    QString asText() const; ///< indented, for a mail

private:
    QStandardItem* addSection(const QString& title);
    void addRow(QStandardItem& parent, const QString& name, const QString& value, const QString& tip = {});
    void addStages(const core::TrialRecord& trial, const core::PluginCatalogue* plugins);
    void addParameters(QStandardItem& stage, const core::Json& parameters, const core::PluginManifest* manifest);
    void addMeasurements(const core::TrialRecord& trial);
    void addJson(QStandardItem& parent, const QString& name, const core::Json& value);
};

} // namespace paretoscope::views
