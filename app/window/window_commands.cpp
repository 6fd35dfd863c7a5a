// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/window_commands.h"

#include "app/window/dock_layout.h"
#include "app/window/recent_menu.h"
#include "core/base/assert.h"

#include <QActionGroup>
#include <QDockWidget>
#include <QMenuBar>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

WindowCommands::WindowCommands(ActionRegistry& registry, QMainWindow& window)
    : QObject(&window)
    , m_registry(registry)
    , m_window(window)
{
    createActions();
}

void WindowCommands::createActions()
{
    const auto add = [this](const char* id, const QString& text, const QString& tip, const QString& icon = {},
                            const QKeySequence& shortcut = {}) {
        QAction* created = m_registry.create(QLatin1String(id), text, tip, icon);
        created->setShortcut(shortcut);
    };
    add("file.new-project", tr("&New project…"), tr("Makes an empty project file"), u"new"_s,
        QKeySequence(u"Ctrl+N"_s));
    add("file.open", tr("&Open…"), tr("Opens a project, a model or a sweep file"), u"open"_s,
        QKeySequence(u"Ctrl+O"_s));
    add("file.new-sweep", tr("New s&weep…"), tr("Composes a sweep: model, data, pipelines"), u"new-sweep"_s,
        QKeySequence(u"Ctrl+Shift+N"_s));
    add("file.run-sweep", tr("&Run sweep file…"), tr("Loads a sweep file (YAML or JSON) to look at and to start"),
        u"run"_s, QKeySequence(u"Ctrl+R"_s));
    add("file.demo", tr("&Demo: tiny-llama…"),
        tr("A ready sweep over the bundled model: twelve trials, half a minute on two cores"), u"run"_s);
    add("file.save-copy", tr("Save a &copy…"),
        tr("Writes the project as it is now to another file; a project itself is always saved"), u"save"_s,
        QKeySequence(u"Ctrl+Shift+S"_s));
    add("file.close", tr("C&lose project"), tr("Closes the project; a running sweep goes on"), {},
        QKeySequence(u"Ctrl+W"_s));
    add("file.quit", tr("&Quit"), tr("Ends Paretoscope"), {}, QKeySequence(u"Ctrl+Q"_s));
    add("edit.select-front", tr("Select the &front"),
        tr("Selects all trials that no other one beats in the metrics of the plot"), u"front"_s,
        QKeySequence(u"Ctrl+Shift+F"_s));
    add("edit.clear-selection", tr("&Clear selection"), tr("Selects nothing"), {}, QKeySequence(u"Ctrl+Shift+A"_s));
    add("view.refresh", tr("&Refresh"), tr("Reads the project again; happens by itself when it changes"), u"running"_s,
        QKeySequence(u"F5"_s));
    add("view.reset-layout", tr("Reset &layout"), tr("Puts all docks where they were at first"), u"reset"_s);
    add("view.full-screen", tr("F&ull screen"), tr("Uses the whole screen"), {}, QKeySequence(u"F11"_s));
    add("view.commands", tr("&Commands…"), tr("Finds any command by a few letters"), u"search"_s,
        QKeySequence(u"Ctrl+Shift+P"_s));
    add("help.about", tr("&About Paretoscope"), tr("Versions and licences"), u"info"_s);
    action("view.full-screen")->setCheckable(true);
    action("file.quit")->setMenuRole(QAction::QuitRole);
    action("help.about")->setMenuRole(QAction::AboutRole);
}

QAction* WindowCommands::action(const char* id) const
{
    QAction* found = m_registry.find(QLatin1String(id));
    PSC_ASSERT(found, "a menu names a command that does not exist");
    return found;
}

void WindowCommands::createMenus(QMenuBar& bar, RecentMenu& recent, const DockLayout& docks, views::Theme theme)
{
    QMenu* file = bar.addMenu(tr("&File"));
    file->addActions(
        {action("file.new-project"), action("file.open"), action("roofline.open"), action("roofline.counters")});
    file->addMenu(&recent);
    file->addSeparator();
    file->addActions({action("file.new-sweep"), action("file.run-sweep"), action("file.demo")});
    file->addSeparator();
    file->addAction(action("file.save-copy"));
    QMenu* exports = file->addMenu(tr("&Export"));
    exports->addActions({action("pareto.export-svg"), action("pareto.export-pdf"), action("pareto.export-png"),
                         action("pareto.export-csv"), action("roofline.export-svg"), action("roofline.export-pdf"),
                         action("roofline.export-png"), action("roofline.export-csv"), action("trials.export")});
    file->addSeparator();
    file->addActions({action("file.close"), action("file.quit")});

    QMenu* edit = bar.addMenu(tr("&Edit"));
    edit->addActions({action("trials.copy"), action("trials.copy-markdown"), action("trials.copy-latex"),
                      action("pareto.copy"), action("roofline.copy"), action("inspector.copy-text"),
                      action("inspector.copy-json"), action("inspector.copy-sweep")});
    edit->addSeparator();
    edit->addActions({action("edit.select-front"), action("edit.clear-selection"), action("trials.filter")});

    QMenu* view = bar.addMenu(tr("&View"));
    for (QDockWidget* dock : docks.docks()) {
        QAction* toggle = dock->toggleViewAction();
        toggle->setObjectName(u"view.%1"_s.arg(dock->objectName()));
        toggle->setToolTip(tr("Shows or hides the dock “%1”").arg(dock->windowTitle()));
        m_registry.add(toggle);
        view->addAction(toggle);
    }
    view->addSeparator();
    view->addActions({action("pareto.fit"), action("pareto.dominated"), action("roofline.fit"),
                      action("roofline.linear"), action("roofline.levels"), action("trials.freeze")});
    view->addSeparator();
    QMenu* themes = view->addMenu(tr("&Theme"));
    auto* group = new QActionGroup(this);
    for (const auto& [choice, text] : {std::pair(views::Theme::System, tr("As the &desktop")),
                                       {views::Theme::Light, tr("&Light")},
                                       {views::Theme::Dark, tr("Dar&k")}}) {
        QAction* entry = m_registry.create(u"view.theme-%1"_s.arg(views::themeName(choice)), text,
                                           tr("Colours of the window"), u"theme"_s);
        entry->setCheckable(true);
        entry->setChecked(choice == theme);
        entry->setActionGroup(group);
        themes->addAction(entry);
        connect(entry, &QAction::triggered, this, [this, wanted = choice] { Q_EMIT themeChosen(wanted); });
    }
    view->addActions({action("view.reset-layout"), action("view.full-screen"), action("view.refresh")});
    view->addSeparator();
    view->addAction(action("view.commands"));

    QMenu* help = bar.addMenu(tr("&Help"));
    help->addActions({action("file.demo"), action("help.about")});
    for (QMenu* menu : {file, edit, view, help, exports, themes})
        menu->setToolTipsVisible(true);
    m_window.addActions(m_registry.actions()); // shortcuts work while the menus are closed, and with a dock in focus
}

} // namespace paretoscope::app
