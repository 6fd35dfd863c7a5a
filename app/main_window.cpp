// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/main_window.h"

#include "app/window/about_dialog.h"
#include "app/window/command_palette.h"
#include "app/window/dialogs.h"
#include "app/window/dock_layout.h"
#include "app/window/next_steps.h"
#include "app/window/opened_file.h"
#include "app/window/recent_menu.h"
#include "app/window/sweep_launcher.h"
#include "app/window/theme_controller.h"
#include "app/window/window_commands.h"
#include "core/base/installation.h"
#include "views/format/text.h"
#include "views/inspector/inspector_view.h"
#include "views/jobs/jobs_view.h"
#include "views/pareto/pareto_plot.h"
#include "views/pareto/pareto_view.h"
#include "views/roofline/roofline_view.h"
#include "views/trials/trials_view.h"
#include "views/widgets/message_bar.h"

#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QMenuBar>
#include <QMimeData>
#include <QStatusBar>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

MainWindow::MainWindow(WindowSettings& settings, ThemeController& theme, QWidget* parent)
    : QMainWindow(parent)
    , m_settings(settings)
    , m_theme(theme)
    , m_commands(new WindowCommands(m_registry, *this))
    , m_docks(new DockLayout(*this))
    , m_recent(new RecentMenu(settings, this))
{
    setObjectName(u"mainWindow"_s);
    setAcceptDrops(true);
    createViews();
    createStatusBar();
    for (const QWidget* view : std::initializer_list<QWidget*> {m_pareto, m_roofline, m_trials, m_jobs, m_inspector})
        m_registry.addAllOf(*view);
    m_commands->createMenus(*m_menus, *m_recent, *m_docks, settings.theme());
    connectCommands();
    connectViews();
    connectSession();
    showSnapshot(nullptr);
    updateTitle();
    restore();
}

MainWindow::~MainWindow() = default;

void MainWindow::createViews()
{
    m_pareto = new views::ParetoView(m_selection);
    m_roofline = new views::RooflineView(m_selection, core::Installation::locate().resources(),
                                         core::userConfigFolder() / "hardware.csv");
    m_inspector = new views::InspectorView(m_selection);
    m_trials = new views::TrialsView(m_selection);
    m_jobs = new views::JobsView(m_selection);
    m_docks->add(u"pareto"_s, tr("Pareto"), m_pareto);
    m_docks->add(u"roofline"_s, tr("Roofline"), m_roofline);
    m_docks->add(u"inspector"_s, tr("Inspector"), m_inspector);
    m_docks->add(u"trials"_s, tr("Trials"), m_trials);
    m_docks->add(u"jobs"_s, tr("Jobs"), m_jobs);
    m_messages = new views::MessageBar;
    auto* head = new QWidget(this); // the message bar stands below the menus and pushes the docks down
    auto* rows = new QVBoxLayout(head);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(0);
    rows->addWidget(m_menus = new QMenuBar(head));
    rows->addWidget(m_messages);
    setMenuWidget(head);
    m_sweeps = new SweepLauncher(
        {.session = m_session, .jobs = *m_jobs, .messages = *m_messages, .plugins = [this] { return plugins(); }},
        this);
}

void MainWindow::createStatusBar()
{
    m_counts = new QLabel(this);
    m_counts->setObjectName(u"counts"_s);
    m_counts->setTextFormat(Qt::PlainText);
    m_counts->setContentsMargins(6, 0, 6, 0);
    statusBar()->addPermanentWidget(m_counts);
    statusBar()->setSizeGripEnabled(false);
}

template <typename Slot>
void MainWindow::on(const char* id, Slot slot)
{
    connect(m_registry.find(QLatin1String(id)), &QAction::triggered, this, slot);
}

void MainWindow::connectCommands()
{
    const QString projects = tr("Paretoscope projects (*.pscope)");
    const QString sweeps = tr("Sweep files (*.yaml *.yml *.json)");
    on("file.new-project", [this, projects] {
        askForFile(this, tr("New project"), projects, FileUse::Save,
                   [this](const QString& file) { m_session.create(file); });
    });
    on("file.open", &MainWindow::openDialog);
    on("file.new-sweep", [this] { m_sweeps->compose(); });
    on("file.run-sweep", [this, sweeps] {
        askForFile(this, tr("Run sweep file"), sweeps, FileUse::Open, [this](const QString& file) { openFile(file); });
    });
    on("file.demo", [this] {
        m_sweeps->compose();
        m_sweeps->builder().loadDemo();
    });
    on("file.save-copy", [this, projects] {
        askForFile(this, tr("Save a copy"), projects, FileUse::Save,
                   [this](const QString& file) { m_session.saveCopy(file); });
    });
    on("file.close", [this] { m_session.close(); });
    on("file.quit", [this] { close(); });
    on("edit.select-front", [this] { m_selection.select(m_pareto->front()); });
    on("edit.clear-selection", [this] { m_selection.clear(); });
    on("view.refresh", [this] { m_session.refresh(); });
    on("view.reset-layout", [this] {
        m_settings.forgetLayout();
        m_docks->applyDefault();
    });
    on("view.full-screen", [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
    on("view.commands", [this] { (new CommandPalette(m_registry, this))->openAt(*this); });
    on("help.about", [this] { (new AboutDialog(this))->open(); });
    connect(m_recent, &RecentMenu::chosen, this, &MainWindow::openFile);
    connect(m_recent, &RecentMenu::listChanged, this, &MainWindow::updateEmptyStates);
    connect(m_commands, &WindowCommands::themeChosen, this, [this](views::Theme theme) {
        m_settings.setTheme(theme);
        m_theme.setTheme(theme);
    });
}

void MainWindow::connectViews()
{
    connect(m_pareto, &views::ParetoView::failed, m_messages, &views::MessageBar::report);
    connect(m_roofline, &views::RooflineView::failed, m_messages, &views::MessageBar::report);
    connect(&m_roofline->session(), &views::RooflineSession::devicesChanged, this, &MainWindow::shareDevices);
    m_roofline->session().reloadDevices(); // and tells what of them cannot be read
    connect(m_roofline, &views::RooflineView::deviceSaved, &m_session, &ProjectSession::keepDevice);
    connect(m_roofline, &views::RooflineView::deviceRemoved, &m_session, &ProjectSession::forgetDevice);
    connect(m_trials, &views::TrialsView::failed, m_messages, &views::MessageBar::report);
    connect(m_inspector, &views::InspectorView::failed, m_messages, &views::MessageBar::report);
    const auto written = [this](const QString& file) { statusBar()->showMessage(tr("Written: %1").arg(file), 8000); };
    connect(m_pareto, &views::ParetoView::exported, this, written);
    connect(m_roofline, &views::RooflineView::exported, this, written);
    connect(m_trials, &views::TrialsView::exported, this, written);
    connect(m_inspector, &views::InspectorView::trialNeeded, &m_session, &ProjectSession::requestTrial);
    connect(m_sweeps, &SweepLauncher::started, this, [this] { showDock(u"jobs"_s); });
    connect(m_sweeps, &SweepLauncher::savedFile, this,
            [this](const QString& file) { statusBar()->showMessage(tr("Sweep file written: %1").arg(file), 8000); });
    connect(&m_jobs->run(), &views::RunModel::changed, this, &MainWindow::updateStatus);
    connect(&m_selection, &views::SelectionModel::selectionChanged, this, &MainWindow::updateStatus);
}

/// The devices of the Roofline dock are those of the Pareto dock, too.
void MainWindow::shareDevices()
{
    m_pareto->setWhatIfSource(std::make_shared<const views::WhatIfSource>(
        views::WhatIfSource {m_roofline->session().hardware(), core::Installation::locate().architectures()}));
}

void MainWindow::connectSession()
{
    connect(&m_session, &ProjectSession::opened, this, [this](const QString& path) {
        m_selection.clear();
        m_recent->add(path);
        showSnapshot(nullptr);
        updateTitle();
    });
    connect(&m_session, &ProjectSession::closed, this, [this] {
        m_selection.clear();
        showSnapshot(nullptr);
        updateTitle();
    });
    connect(&m_session, &ProjectSession::snapshotChanged, this, &MainWindow::showSnapshot);
    connect(&m_session, &ProjectSession::trialRead, m_inspector, &views::InspectorView::showTrial);
    connect(&m_session, &ProjectSession::failed, m_messages, &views::MessageBar::report);
    connect(&m_session, &ProjectSession::copied, this,
            [this](const QString& file) { statusBar()->showMessage(tr("Copy written: %1").arg(file), 8000); });
    connect(&m_session, &ProjectSession::deviceKept, this, [this](const QString& name) {
        statusBar()->showMessage(tr("The project has the device %1, too.").arg(name), 8000);
    });
}

void MainWindow::restore()
{
    m_pareto->restoreState(m_settings.viewState(u"pareto"_s));
    m_roofline->restoreState(m_settings.viewState(u"roofline"_s));
    m_trials->restoreState(m_settings.viewState(u"trials"_s));
    if (!m_docks->restore(m_settings))
        m_messages->show(views::MessageBar::Level::Info,
                         tr("The saved layout could not be used; the docks stand where they were at first."));
}

void MainWindow::resizeTo(QSize size)
{
    resize(size);
    m_docks->applyDefault();
}

void MainWindow::openFile(const QString& path)
{
    const core::Result<OpenedFile> file = classifyFile(path);
    if (!file.ok())
        return m_messages->report(file.error());
    switch (file.value().kind) {
    case OpenedFile::Kind::Project:
        return m_session.open(file.value().path);
    case OpenedFile::Kind::Model:
        m_sweeps->compose();
        return m_sweeps->builder().setModel(file.value().path);
    case OpenedFile::Kind::Sweep:
        m_sweeps->compose();
        return m_sweeps->builder().loadFile(file.value().path);
    case OpenedFile::Kind::Configuration:
        showDock(u"roofline"_s);
        return m_roofline->openModel(file.value().path);
    }
}

void MainWindow::showDock(const QString& id)
{
    if (QDockWidget* dock = m_docks->dock(id)) {
        dock->show();
        dock->raise();
    }
}

void MainWindow::openDialog()
{
    askForFile(this, tr("Open"),
               tr("Projects, models and sweeps (*.pscope *.gguf *.safetensors *.yaml *.yml *.json);;All files (*)"),
               FileUse::Open, [this](const QString& file) { openFile(file); });
}

std::shared_ptr<const core::PluginCatalogue> MainWindow::plugins()
{
    if (!m_plugins) {
        m_plugins = std::make_shared<const core::PluginCatalogue>(
            core::PluginCatalogue::scan(core::Installation::locate().pluginFolders()));
        m_inspector->setPlugins(m_plugins);
    }
    return m_plugins;
}

void MainWindow::showSnapshot(const views::SnapshotPtr& snapshot)
{
    if (snapshot)
        plugins(); // units and docs for the inspector; some manifests, once
    m_pareto->setSnapshot(snapshot);
    m_roofline->setSnapshot(snapshot);
    m_trials->setSnapshot(snapshot);
    m_inspector->setSnapshot(snapshot);
    m_jobs->setSnapshot(snapshot);
    for (const char* id : {"file.save-copy", "file.close", "view.refresh", "edit.select-front", "trials.export"})
        m_registry.find(QLatin1String(id))->setEnabled(snapshot != nullptr);
    updateEmptyStates();
    updateStatus();
}

void MainWindow::updateEmptyStates()
{
    const NextSteps steps(m_registry, !m_session.path().isEmpty(), m_session.isRunning());
    steps.showIn(m_pareto->emptyState(), NextSteps::Place::Pareto, m_recent->entries());
    steps.showIn(m_trials->emptyState(), NextSteps::Place::Trials);
    steps.showIn(m_jobs->emptyState(), NextSteps::Place::Jobs);
}

void MainWindow::updateTitle()
{
    const QString name = QFileInfo(m_session.path()).fileName();
    setWindowTitle(name.isEmpty() ? u"Paretoscope"_s : tr("%1 – Paretoscope").arg(name));
    setWindowFilePath(m_session.path());
}

void MainWindow::updateStatus()
{
    QStringList parts;
    if (m_session.isRunning())
        parts << m_jobs->run().headline();
    if (const views::SnapshotPtr& snapshot = m_session.snapshot()) {
        parts << tr("%n trial(s)", nullptr, int(snapshot->trials.size()));
        parts << tr("%n on the front", nullptr, int(m_pareto->plot().data()->front.size()));
    }
    if (!m_selection.selected().empty())
        parts << tr("%n selected", nullptr, int(m_selection.selected().size()));
    m_counts->setText(parts.join(u"   ·   "_s));
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_session.isRunning()) {
        event->ignore();
        return m_sweeps->askToStop([this] { close(); });
    }
    m_docks->save(m_settings);
    m_settings.setViewState(u"pareto"_s, m_pareto->saveState());
    m_settings.setViewState(u"roofline"_s, m_roofline->saveState());
    m_settings.setViewState(u"trials"_s, m_trials->saveState());
    m_settings.sync();
    QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    const core::Result<OpenedFile> file = classifyDrop(*event->mimeData());
    if (file.ok())
        event->acceptProposedAction();
    else if (event->mimeData()->hasUrls())
        statusBar()->showMessage(views::toQString(file.error().sentence()), 5000);
}

void MainWindow::dropEvent(QDropEvent* event)
{
    const core::Result<OpenedFile> file = classifyDrop(*event->mimeData());
    if (!file.ok())
        return m_messages->report(file.error());
    event->acceptProposedAction();
    openFile(file.value().path);
}

} // namespace paretoscope::app
