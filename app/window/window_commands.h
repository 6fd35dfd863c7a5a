// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/action_registry.h"
#include "views/theme/theme.h"

#include <QMainWindow>

class QMenuBar;

namespace paretoscope::app {

class DockLayout;
class RecentMenu;

/// The window's own commands and its menus. Who does the work connects to the actions by their ids.
class WindowCommands : public QObject
{
    Q_OBJECT

public:
    WindowCommands(ActionRegistry& registry, QMainWindow& window);

    /// After the views have registered their commands.
    void createMenus(QMenuBar& bar, RecentMenu& recent, const DockLayout& docks, views::Theme theme);

Q_SIGNALS:
    void themeChosen(paretoscope::views::Theme theme);

private:
    void createActions();
    QAction* action(const char* id) const;

    ActionRegistry& m_registry;
    QMainWindow& m_window;
};

} // namespace paretoscope::app
