// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/action_registry.h"
#include "app/window/project_session.h"
#include "app/window/window_settings.h"
#include "views/selection/selection_model.h"

#include <QMainWindow>

class QLabel;
class QMenuBar;

namespace paretoscope::views {
class InspectorView;
class JobsView;
class MessageBar;
class ParetoView;
class RooflineView;
class TrialsView;
} // namespace paretoscope::views

namespace paretoscope::app {

class DockLayout;
class RecentMenu;
class SweepLauncher;
class ThemeController;
class WindowCommands;

/// Creates docks and menus and connects them; the work is done by the views and the ProjectSession.
class MainWindow : public QMainWindow
{
    Q_OBJECT

public:
    MainWindow(WindowSettings& settings, ThemeController& theme, QWidget* parent = nullptr);
    ~MainWindow() override;

    void resizeTo(QSize size); ///< with the docks in their first places
    /// A project, a model or a sweep file; what cannot be opened is told in the message bar.
    void openFile(const QString& path);
    void showDock(const QString& id); ///< "roofline"; an id that is not known does nothing

    ActionRegistry& registry() { return m_registry; }
    ProjectSession& session() { return m_session; }
    views::SelectionModel& selection() { return m_selection; }
    views::MessageBar& messages() { return *m_messages; }

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void createViews();
    void createStatusBar();
    void connectCommands();
    void connectViews();
    void connectSession();
    void shareDevices();
    template <typename Slot>
    void on(const char* id, Slot slot);
    void restore();

    void openDialog();
    std::shared_ptr<const core::PluginCatalogue> plugins(); ///< read when they are first needed
    void showSnapshot(const views::SnapshotPtr& snapshot);
    void updateTitle();
    void updateEmptyStates();
    void updateStatus();

    WindowSettings& m_settings;
    ThemeController& m_theme;
    views::SelectionModel m_selection;
    ActionRegistry m_registry;
    ProjectSession m_session;
    WindowCommands* m_commands;
    DockLayout* m_docks;
    RecentMenu* m_recent;
    views::ParetoView* m_pareto = nullptr;
    views::RooflineView* m_roofline = nullptr;
    views::InspectorView* m_inspector = nullptr;
    views::TrialsView* m_trials = nullptr;
    views::JobsView* m_jobs = nullptr;
    views::MessageBar* m_messages = nullptr;
    QMenuBar* m_menus = nullptr;
    QLabel* m_counts = nullptr;
    SweepLauncher* m_sweeps = nullptr;
    std::shared_ptr<const core::PluginCatalogue> m_plugins;
};

} // namespace paretoscope::app
