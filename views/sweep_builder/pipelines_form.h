// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/plugin/manifest.h"
#include "views/sweep_builder/draft_editor.h"

#include <QWidget>

class QLabel;
class QListWidget;
class QMenu;
class QToolButton;
class QVBoxLayout;

namespace paretoscope::views {

class ParameterForm;

/// The pipelines of a sweep: a list, and the stages of the chosen one.
class PipelinesForm : public QWidget
{
    Q_OBJECT

public:
    explicit PipelinesForm(DraftEditor& editor, QWidget* parent = nullptr);

    void setPlugins(std::shared_ptr<const core::PluginCatalogue> plugins);
    void setProblem(const std::optional<DraftProblem>& problem);
    int current() const;

private:
    void createList();
    void fillPluginMenu(QMenu& menu, bool newPipeline);
    void refresh(); ///< from the draft
    void refreshStages();
    QWidget* createStage(int index, const StageDraft& stage);
    void addPipeline(const PipelineDraft& pipeline);
    void editPipeline(const QString& text, const QString& field, const std::function<void(PipelineDraft&)>& change);
    QString labelOf(const PipelineDraft& pipeline) const;

    DraftEditor& m_editor;
    std::shared_ptr<const core::PluginCatalogue> m_plugins;
    QListWidget* m_list;
    QWidget* m_stages = nullptr;
    QVBoxLayout* m_stageLayout = nullptr;
    QLabel* m_problem;
    QStringList m_shownPlugins; ///< of the stages that have a form now
    QList<ParameterForm*> m_forms;
    QToolButton* m_addStage = nullptr;
    int m_shownPipeline = -1;
};

} // namespace paretoscope::views
