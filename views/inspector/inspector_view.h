// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/inspector/inspector_model.h"
#include "views/selection/selection_model.h"
#include "views/snapshot/project_snapshot.h"

#include <QWidget>

class QLabel;
class QStackedLayout;
class QTreeView;

namespace paretoscope::views {

class EmptyState;

/// The inspector dock: the current trial in full. Shows at once what the snapshot has and asks for the rest.
class InspectorView : public QWidget
{
    Q_OBJECT

public:
    explicit InspectorView(SelectionModel& selection, QWidget* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot);
    void setPlugins(std::shared_ptr<const core::PluginCatalogue> plugins);
    InspectorModel& model() { return *m_model; }
    EmptyState& emptyState() { return *m_empty; }

public Q_SLOTS:
    void showTrial(const std::shared_ptr<const paretoscope::core::TrialRecord>& trial); ///< answer to trialNeeded

Q_SIGNALS:
    void trialNeeded(const paretoscope::core::TrialId& id);
    void failed(const paretoscope::core::Error& error);

private:
    void createCommands();
    void follow();
    void present(const core::TrialRecord* trial);
    void copyRows() const;
    void copySweep();

    SelectionModel& m_selection;
    SnapshotPtr m_snapshot;
    std::shared_ptr<const core::PluginCatalogue> m_plugins;
    std::shared_ptr<const core::TrialRecord> m_complete;
    std::optional<core::TrialId> m_shown;
    InspectorModel* m_model;
    QTreeView* m_tree;
    QLabel* m_note;
    EmptyState* m_empty;
    QStackedLayout* m_stack = nullptr;
};

} // namespace paretoscope::views
