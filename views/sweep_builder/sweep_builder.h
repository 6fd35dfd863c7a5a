// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "jobs/sweep_runner.h"
#include "views/sweep_builder/draft_editor.h"

#include <QDialog>
#include <QTimer>

#include <memory>

class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace paretoscope::views {

class DriverForm;
class PathField;
class PipelinesForm;
class WorkloadForm;

/// What Start hands over.
struct SweepOrder
{
    core::Sweep sweep;
    QString project;
    jobs::SweepOptions options;
    QString file = {};     ///< the sweep file that was loaded; empty: the sweep was composed here
    bool isEdited = false; ///< and changed since
};

/// File > New sweep: composes a sweep from the plugin manifests, shows while typing what it would run and what is
/// wrong, saves it as a sweep file, starts it. Knows no worker and no project store.
class SweepBuilder : public QDialog
{
    Q_OBJECT

public:
    /// `demo` is the bundled sweep file; empty: no demo button.
    SweepBuilder(std::shared_ptr<const core::PluginCatalogue> plugins, const QString& demo, QWidget* parent = nullptr);

    DraftEditor& editor() { return m_editor; }
    void setProject(const QString& project);
    void setModel(const QString& model);
    void loadFile(const QString& sweepFile); ///< shows errors in place
    /// What the draft means now; runs by itself a moment after each change.
    const CheckedDraft& check();

    /// The order could not be started: comes back with the reason, nothing typed is lost.
    void refuse(const core::Error& error);

public Q_SLOTS:
    void loadDemo();
    void start();

Q_SIGNALS:
    void startRequested(const paretoscope::views::SweepOrder& order);
    void savedFile(const QString& file);

private:
    void createHead(class QVBoxLayout& layout);
    void createFoot(class QVBoxLayout& layout);
    void createUndo();
    void showCheck();
    QString previewOf(const core::Sweep& sweep) const;
    void saveFile();
    void showError(const core::Error& error);
    QString suggestedProject() const;

    std::shared_ptr<const core::PluginCatalogue> m_plugins;
    QString m_demo;
    QString m_file; ///< that was loaded last
    DraftEditor m_editor;
    CheckedDraft m_checked;
    QTimer m_checkSoon;
    QString m_givenProject; ///< an open project, or typed by the user
    QLineEdit* m_name = nullptr;
    WorkloadForm* m_workload = nullptr;
    PipelinesForm* m_pipelines = nullptr;
    DriverForm* m_driver = nullptr;
    QLabel* m_preview = nullptr;
    PathField* m_project = nullptr;
    QSpinBox* m_workers = nullptr;
    QPushButton* m_start = nullptr;
    QPushButton* m_save = nullptr;
};

} // namespace paretoscope::views
