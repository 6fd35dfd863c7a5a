// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_view.h"

#include "views/format/text.h"
#include "views/roofline/compare_panel.h"
#include "views/roofline/counters_button.h"
#include "views/roofline/detail_panel.h"
#include "views/roofline/device_chooser.h"
#include "views/roofline/graph_view.h"
#include "views/roofline/hardware_editor.h"
#include "views/roofline/operation_table_model.h"
#include "views/roofline/roofline_chart.h"
#include "views/roofline/roofline_text.h"
#include "views/roofline/setting_panel.h"
#include "views/roofline/setting_state.h"
#include "views/roofline/stacked_bars.h"
#include "views/roofline/sweep_panel.h"
#include "views/roofline/trial_bar.h"
#include "views/roofline/trial_link.h"
#include "views/table/clipboard_text.h"
#include "views/table/text_file.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/flow_layout.h"
#include "views/widgets/plain_tip.h"
#include "views/widgets/tab_order.h"

#include <QButtonGroup>
#include <QFileDialog>
#include <QHeaderView>
#include <QJsonArray>
#include <QJsonDocument>
#include <QMenu>
#include <QMimeData>
#include <QRadioButton>
#include <QScrollArea>
#include <QSortFilterProxyModel>
#include <QSplitter>
#include <QStackedLayout>
#include <QStandardItemModel>
#include <QTabWidget>
#include <QTableView>
#include <QToolButton>

#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr qsizetype kMostRecent = 8;

/// The one local file or folder that is dropped, if any.
std::optional<QFileInfo> droppedFile(const QMimeData& mime)
{
    const QList<QUrl> urls = mime.urls();
    if (urls.size() != 1 || !urls.first().isLocalFile())
        return std::nullopt;
    return QFileInfo(urls.first().toLocalFile());
}

bool mayBeModel(const QFileInfo& file)
{
    const QString suffix = file.suffix().toLower();
    return file.isDir() ? QFileInfo::exists(QDir(file.filePath()).filePath(u"config.json"_s))
                        : suffix == "json"_L1 || suffix == "gguf"_L1;
}

bool mayBeCounters(const QFileInfo& file)
{
    return !file.isDir() && file.suffix().toLower() == "csv"_L1;
}

/// For a page that needs more height than a low window has.
QScrollArea* scrolling(QWidget& page)
{
    auto* area = new QScrollArea;
    area->setWidget(&page);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setFocusPolicy(Qt::NoFocus);
    return area;
}

} // namespace

RooflineView::RooflineView(const SelectionModel& selection, const std::filesystem::path& resources,
                           const std::filesystem::path& ownDevices, QWidget* parent)
    : QWidget(parent)
    , m_session(new RooflineSession(resources, ownDevices, this))
    , m_selection(selection)
    , m_link(new TrialLink(selection, *m_session, this))
    , m_trialBar(new TrialBar(*m_session, *m_link, this))
    , m_empty(new EmptyState(this))
    , m_note(new QLabel(this))
    , m_pages(new QTabWidget(this))
    , m_chart(new RooflineChart(*m_session))
    , m_graph(new GraphView(*m_session))
    , m_bars(new StackedBars(*m_session))
    , m_sweep(new SweepPanel(*m_session))
    , m_compare(new ComparePanel(*m_session))
    , m_devices(new HardwareEditor(*m_session))
    , m_resources(resources)
{
    setObjectName(u"rooflineView"_s);
    setAcceptDrops(true);
    m_note->setObjectName(u"rooflineNote"_s);
    m_note->setTextFormat(Qt::PlainText);
    m_note->setWordWrap(true);
    m_note->setContentsMargins(8, 4, 8, 4);
    m_note->hide();
    m_pages->setObjectName(u"rooflinePages"_s);
    m_pages->setDocumentMode(true);
    m_pages->addTab(m_chart, tr("Chart"));
    m_pages->addTab(m_graph, tr("Graph"));
    m_pages->addTab(scrolling(*m_bars), tr("Time and memory"));
    m_pages->addTab(scrolling(*m_sweep), tr("Curves"));
    m_pages->addTab(scrolling(*m_compare), tr("Compare"));
    m_pages->addTab(m_devices, tr("Devices"));

    auto* page = new QWidget(this);
    auto* header = new QWidget(page);
    auto* row = new FlowLayout(header);
    row->setContentsMargins(8, 6, 8, 2);
    row->setSpacing(6);
    createHeader(*row);
    createCommands(*row);

    auto* panel = new SettingPanel(*m_session);
    connect(&panel->draftMenu(), &QMenu::aboutToShow, this, [this, panel] { fillDrafts(panel->draftMenu()); });
    auto* lower = new QSplitter(Qt::Horizontal);
    lower->addWidget(createTable());
    lower->addWidget(new DetailPanel(*m_session));
    lower->setSizes({540, 460});
    lower->setStretchFactor(0, 1);
    lower->setStretchFactor(1, 1);
    auto* right = new QSplitter(Qt::Vertical);
    right->addWidget(m_pages);
    right->addWidget(lower);
    right->setSizes({560, 440});
    right->setStretchFactor(0, 1);
    right->setStretchFactor(1, 1);
    auto* body = new QSplitter(Qt::Horizontal);
    body->addWidget(panel);
    body->addWidget(right);
    body->setStretchFactor(1, 1);
    for (QSplitter* splitter : {lower, right, body})
        splitter->setChildrenCollapsible(false);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(header);
    column->addWidget(m_trialBar);
    column->addWidget(m_note);
    column->addWidget(body, 1);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(page);
    orderTabs({header, m_trialBar, panel, m_pages, lower});
    m_empty->setText(tr("What keeps a model from being faster?"),
                     tr("Open or drop a config.json, a model folder or a GGUF file: its weights are not needed."));
    m_empty->setActions({actions().first()});

    connect(m_session, &RooflineSession::failed, this, &RooflineView::failed);
    connect(m_session, &RooflineSession::deviceSaved, this, &RooflineView::deviceSaved);
    connect(m_session, &RooflineSession::deviceRemoved, this, &RooflineView::deviceRemoved);
    connect(m_trialBar, &TrialBar::backRequested, this, [this] { m_follow->setChecked(false); });
    connect(&selection, &SelectionModel::selectionChanged, this, [this] {
        if (isVisible())
            m_link->update();
    });
    connect(m_session, &RooflineSession::changed, this, &RooflineView::takeAnalysis);
    connect(m_session, &RooflineSession::selectionChanged, this, &RooflineView::showSelectedRow);
    connect(m_session, &RooflineSession::countersChanged, this, [this] { showPage(Page::Chart); });
    takeAnalysis();
}

void RooflineView::createHeader(FlowLayout& row)
{
    m_model = new QToolButton(row.parentWidget());
    m_model->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    QAction* open =
        addCommand(u"roofline.open"_s, tr("Open model for the roofline…"),
                   tr("Reads a config.json, a model folder or a GGUF file; weights are not needed"), u"model"_s);
    const auto openHere = [this](const QString& path) { openModel(path); };
    connect(open, &QAction::triggered, this, [this, openHere] { chooseModel(openHere); });
    m_model->setObjectName(u"rooflineModel"_s);
    m_model->setIcon(open->icon());
    m_model->setToolTip(open->toolTip());
    m_model->setPopupMode(QToolButton::MenuButtonPopup);
    auto* models = new QMenu(m_model);
    connect(models, &QMenu::aboutToShow, this, [this, models, open, openHere] {
        models->clear();
        models->addAction(open);
        fillModels(*models, openHere);
    });
    m_model->setMenu(models);
    connect(m_model, &QToolButton::clicked, open, &QAction::trigger);
    m_mode = new QComboBox(row.parentWidget());
    m_mode->setObjectName(u"rooflineMode"_s);
    m_mode->setAccessibleName(tr("Mode"));
    m_mode->setToolTip(tr("Accurate formulas; our own engine on a machine that was measured; or LLM-Viewer number for "
                          "number, errors included"));
    m_mode->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    for (const RooflineMode mode :
         {RooflineMode::Accurate, RooflineMode::Calibrated, RooflineMode::Lv2409, RooflineMode::Lv2407})
        m_mode->addItem(modeText(mode), int(mode));
    connect(m_mode, &QComboBox::activated, this, &RooflineView::chooseMode);
    row.addWidget(m_model);
    row.addWidget(new DeviceChooser(*m_session, row.parentWidget()));
    row.addWidget(new OtherDevicesButton(*m_session, row.parentWidget()));
    row.addWidget(m_mode);
    m_stages = new QButtonGroup(this);
    for (const auto& [stage, tip] :
         {std::pair(RooflineStage::Decode, tr("One token of every sequence, behind the prompt")),
          {RooflineStage::Prefill, tr("The prompt; of a model of images its one pass")},
          {RooflineStage::Chat, tr("The whole answer: prefill and all decode steps")}}) {
        auto* button = new QRadioButton(stageText(stage), row.parentWidget());
        button->setObjectName(u"rooflineStage:%1"_s.arg(int(stage)));
        button->setToolTip(tip);
        m_stages->addButton(button, int(stage));
        row.addWidget(button);
    }
    connect(m_stages, &QButtonGroup::idClicked, this, [this](int stage) {
        RooflineSetting setting = m_session->setting();
        setting.stage = RooflineStage(stage);
        m_session->setSetting(setting);
    });
}

void RooflineView::chooseMode()
{
    RooflineSetting setting = m_session->setting();
    setting.mode = RooflineMode(m_mode->currentData().toInt());
    if (setting.mode == RooflineMode::Calibrated && setting.stage == RooflineStage::Chat)
        setting.stage = RooflineStage::Decode;
    m_session->setSetting(setting);
}

void RooflineView::setSnapshot(const SnapshotPtr& snapshot)
{
    m_snapshot = snapshot;
    m_session->setProject(snapshot);
    m_link->setSnapshot(snapshot);
}

void RooflineView::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    m_link->update();
}

QAction* RooflineView::addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon)
{
    auto* action = new QAction(text, this);
    if (!icon.isEmpty())
        action->setIcon(themedIcon(icon));
    action->setObjectName(id);
    action->setToolTip(tip);
    addAction(action);
    return action;
}

void RooflineView::createCommands(FlowLayout& row)
{
    m_follow = addCommand(u"roofline.follow"_s, tr("Follow the selected trial"),
                          tr("Shows the trial that is selected in other docks, with its weights as they are stored"),
                          u"select"_s);
    m_follow->setCheckable(true);
    m_follow->setChecked(true);
    connect(m_follow, &QAction::toggled, m_link, &TrialLink::setFollowing);
    auto* follow = new QToolButton(row.parentWidget());
    follow->setDefaultAction(m_follow);
    follow->setObjectName(u"rooflineFollow"_s);
    follow->setAutoRaise(true);
    row.addWidget(follow);
    m_linear = addCommand(u"roofline.linear"_s, tr("Linear roofline axes"),
                          tr("Linear axes in place of logarithmic ones, as LLM-Viewer draws them"), {});
    m_linear->setCheckable(true);
    connect(m_linear, &QAction::toggled, m_chart, [this](bool linear) { m_chart->setLogarithmic(!linear); });
    addTextButton(row, m_linear, tr("linear"), u"rooflineLinear"_s);
    m_levels = addCommand(u"roofline.levels"_s, tr("Roofs of the caches"),
                          tr("Draws the roofs of L2 and L1, or of a processor's caches, whose bandwidth the device "
                             "states, and what a profiler counted at them"),
                          {});
    m_levels->setCheckable(true);
    m_levels->setChecked(m_session->drawsLevels());
    connect(m_levels, &QAction::toggled, m_session, &RooflineSession::setLevelsDrawn);
    addTextButton(row, m_levels, tr("caches"), u"rooflineLevels"_s);
    auto* counters = new CountersButton(*m_session, row.parentWidget());
    addActions(counters->actions());
    row.addWidget(counters);
    QAction* fit = addCommand(u"roofline.fit"_s, tr("Fit roofline chart and graph"),
                              tr("Shows everything (0 or double click)"), u"fit"_s);
    connect(fit, &QAction::triggered, m_chart, &RooflineChart::fit);
    connect(fit, &QAction::triggered, &m_graph->canvas(), &GraphCanvas::fit);
    auto* fitButton = new QToolButton(row.parentWidget());
    fitButton->setDefaultAction(fit);
    fitButton->setObjectName(u"rooflineFit"_s);
    fitButton->setAutoRaise(true);
    row.addWidget(fitButton);

    auto* menu = new QMenu(this);
    for (const auto& [ending, text] : {std::pair(u"svg"_s, tr("Export roofline page as SVG…")),
                                       {u"pdf"_s, tr("Export roofline page as PDF…")},
                                       {u"png"_s, tr("Export roofline page as PNG…")},
                                       {u"csv"_s, tr("Export numbers of the roofline page as CSV…")}}) {
        QAction* save = addCommand(u"roofline.export-"_s + ending, text,
                                   tr("Writes the page that is shown, in print colours, to a file"), u"export"_s);
        connect(save, &QAction::triggered, this, [this, wanted = ending] { chooseExport(wanted); });
        menu->addAction(save);
    }
    const auto addCopy = [&](const QString& id, const QString& text, auto write) {
        QAction* copy = addCommand(id, text, tr("Selected operations, or all, exact numbers in base units"), u"copy"_s);
        connect(copy, &QAction::triggered, this,
                [this, write] { QGuiApplication::clipboard()->setText(write(*this)); });
        menu->addAction(copy);
        return copy;
    };
    menu->addSeparator();
    addCopy(u"roofline.copy"_s, tr("Copy operations"),
            [](const RooflineView& view) { return asTsv(view.cells(true)); });
    addCopy(u"roofline.copy-csv"_s, tr("Copy operations as CSV"),
            [](const RooflineView& view) { return asCsv(view.cells(true)); });
    addCopy(u"roofline.copy-json"_s, tr("Copy operations as JSON"),
            [](const RooflineView& view) { return QString::fromUtf8(QJsonDocument(view.operationsJson()).toJson()); });
    auto* more = new QToolButton(row.parentWidget());
    more->setIcon(themedIcon(u"export"_s));
    more->setObjectName(u"rooflineExport"_s);
    more->setToolTip(tr("Export the page, copy the operations"));
    more->setAccessibleName(more->toolTip());
    more->setAutoRaise(true);
    more->setPopupMode(QToolButton::InstantPopup);
    more->setMenu(menu);
    row.addWidget(more);
}

void RooflineView::addTextButton(FlowLayout& row, QAction* action, const QString& text, const QString& name)
{
    auto* button = new QToolButton(row.parentWidget());
    button->setDefaultAction(action);
    button->setText(text);
    button->setObjectName(name);
    button->setAccessibleName(action->text());
    button->setAutoRaise(true);
    row.addWidget(button);
}

QWidget* RooflineView::createTable()
{
    m_sorted = new QSortFilterProxyModel(this);
    m_sorted->setSourceModel(new OperationTableModel(*m_session, this));
    m_sorted->setSortRole(OperationTableModel::SortRole);
    m_table = new QTableView;
    m_table->setObjectName(u"rooflineTable"_s);
    m_table->setAccessibleName(tr("Operations"));
    m_table->setModel(m_sorted);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_table->setAlternatingRowColors(true);
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->setTabKeyNavigation(false);
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setMouseTracking(true);
    m_table->viewport()->installEventFilter(this);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setMinimumSectionSize(1);
    m_table->verticalHeader()->setDefaultSectionSize(m_table->fontMetrics().height() + 8);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(0, Qt::AscendingOrder);
    auto* copy = new QAction(tr("Copy operations"), m_table);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    m_table->addAction(copy);
    connect(copy, &QAction::triggered, this, [this] { QGuiApplication::clipboard()->setText(asTsv(cells(true))); });
    connect(m_table, &QAbstractItemView::entered, this,
            [this](const QModelIndex& index) { m_session->hover(m_sorted->mapToSource(index).row()); });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
        if (!m_isSyncing && index.isValid())
            m_session->select(m_sorted->mapToSource(index).row());
    });
    return m_table;
}

bool RooflineView::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::Leave)
        m_session->hover(std::nullopt);
    return QWidget::eventFilter(watched, event);
}

void RooflineView::showPage(Page page)
{
    m_pages->setCurrentIndex(int(page));
}

void RooflineView::chooseModel(const std::function<void(const QString&)>& open)
{
    auto* dialog = new QFileDialog(this, tr("Open model"), QFileInfo(m_session->modelPath()).absolutePath(),
                                   tr("Models (config.json *.json *.gguf);;All files (*)"));
    dialog->setObjectName(u"rooflineModelDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    connect(dialog, &QFileDialog::fileSelected, this, open);
    dialog->open();
}

void RooflineView::fillModels(QMenu& menu, const std::function<void(const QString&)>& open)
{
    const auto add = [&](const QString& path, const QString& text) {
        menu.addAction(text, this, [open, path] { open(path); });
    };
    if (m_snapshot && !m_snapshot->workloads.empty()) {
        menu.addSection(tr("Models of the project"));
        for (const core::WorkloadRecord& workload : m_snapshot->workloads)
            add(toQString(workload.modelPath), toQString(workload.name));
    }
    if (!m_recent.isEmpty())
        menu.addSection(tr("Recent models"));
    for (const QString& path : m_recent) {
        const QFileInfo info(path);
        const bool isConfig = info.fileName() == "config.json"_L1;
        add(path, isConfig ? info.dir().dirName() : info.fileName());
    }
    const QDir bundled(pathText(m_resources / "models"));
    menu.addSection(tr("Bundled models"));
    for (const QString& name : bundled.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
        add(bundled.filePath(name + u"/config.json"_s), name);
}

void RooflineView::fillDrafts(QMenu& menu)
{
    const auto open = [this](const QString& path) { m_session->openDraft(path); };
    menu.clear();
    menu.addAction(tr("None"), this, [open] { open({}); });
    menu.addAction(themedIcon(u"model"_s), tr("Open draft model…"), this, [this, open] { chooseModel(open); });
    fillModels(menu, open);
}

void RooflineView::openModel(const QString& path)
{
    m_session->openModel(path);
    if (m_session->modelPath() != path || m_session->trial())
        return; // it could not be read
    if (m_selection.current())
        m_follow->setChecked(false); // what was opened is wanted now
    m_recent.removeAll(path);
    m_recent.prepend(path);
    m_recent = m_recent.mid(0, kMostRecent);
}

void RooflineView::takeAnalysis()
{
    const RooflineModel* model = m_session->model();
    m_stack->setCurrentIndex(model ? 1 : 0);
    if (!model)
        return;
    const bool isFirst = m_model->text().isEmpty();
    m_model->setText(toQString(model->name));
    m_model->parentWidget()->layout()->invalidate(); // a change of a hidden widget does not reach its layout
    m_model->setAccessibleName(tr("Model: %1").arg(m_model->text()));
    const RooflineSetting& setting = m_session->setting();
    m_mode->setCurrentIndex(m_mode->findData(int(setting.mode)));
    const auto& machine = m_session->device().machine;
    if (auto* modes = qobject_cast<QStandardItemModel*>(m_mode->model())) {
        QStandardItem* calibrated = modes->item(m_mode->findData(int(RooflineMode::Calibrated)));
        calibrated->setEnabled(machine && machine->calibration);
        calibrated->setToolTip(
            machine && machine->calibration
                ? QString()
                : plainTip(tr("For a machine that was measured with a model: choose one as the device, "
                              "or make a profile: paretoscope roofline MODEL --measure")));
    }
    for (QAbstractButton* stage : m_stages->buttons()) {
        stage->setChecked(m_stages->id(stage) == int(setting.stage));
        const auto id = RooflineStage(m_stages->id(stage));
        stage->setEnabled((model->hasAnswers() || id == RooflineStage::Prefill) &&
                          (setting.mode != RooflineMode::Calibrated || id != RooflineStage::Chat));
    }
    m_note->setVisible(m_session->error().has_value());
    if (m_session->error()) {
        QPalette colours;
        colours.setColor(QPalette::WindowText, themeColours(palette()).error);
        m_note->setPalette(colours);
        m_note->setText(toQString(m_session->error()->sentence()));
    }
    if (isFirst)
        m_table->resizeColumnsToContents();
}

void RooflineView::showSelectedRow()
{
    m_isSyncing = true;
    if (const std::optional<int> selected = m_session->selected()) {
        const QModelIndex index = m_sorted->mapFromSource(m_sorted->sourceModel()->index(*selected, 0));
        if (m_table->currentIndex().row() != index.row() || !m_table->selectionModel()->hasSelection())
            m_table->selectRow(index.row());
        m_table->scrollTo(index);
    } else {
        m_table->clearSelection();
        m_table->setCurrentIndex({});
    }
    m_isSyncing = false;
}

QList<QStringList> RooflineView::cells(bool exact) const
{
    const int role = exact ? int(OperationTableModel::ExactRole) : int(Qt::DisplayRole);
    QStringList header;
    for (int column = 0; column < m_sorted->columnCount(); ++column)
        header << m_sorted->headerData(column, Qt::Horizontal, role).toString();
    QList<QStringList> rows {header};
    const QItemSelectionModel* selection = m_table->selectionModel();
    const bool isPart = selection->selectedRows().size() > 1; // one row is what is looked at, not what is meant
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        if (isPart && !selection->isRowSelected(row, {}))
            continue;
        QStringList cells;
        for (int column = 0; column < m_sorted->columnCount(); ++column)
            cells << m_sorted->index(row, column).data(role).toString();
        rows << cells;
    }
    return rows;
}

QJsonArray RooflineView::operationsJson() const
{
    const QList<QStringList> rows = cells(true);
    QJsonArray array;
    for (const QStringList& row : rows.mid(1)) {
        QJsonObject object;
        for (qsizetype column = 0; column < row.size(); ++column) {
            bool isNumber = false;
            const double number = row[column].toDouble(&isNumber);
            object[rows.first()[column]] =
                isNumber ? QJsonValue(number) : (row[column].isEmpty() ? QJsonValue() : QJsonValue(row[column]));
        }
        array << object;
    }
    return array;
}

QString RooflineView::pageCsv() const
{
    switch (Page(m_pages->currentIndex())) {
    case Page::Chart:
        return chartCsv(*m_session);
    case Page::Bars:
        return barsCsv(m_bars->bars());
    case Page::Sweep:
        return m_sweep->csv();
    case Page::Compare:
        return asCsv(m_compare->cells());
    case Page::Graph:
    case Page::Devices:
        break;
    }
    return asCsv(cells(true));
}

Picture RooflineView::pagePicture()
{
    const QString title = tr("Roofline of %1 on %2").arg(m_model->text(), toQString(m_session->device().spec.name));
    const auto plotted = [&](QCustomPlot& plot) {
        return Picture {plot.size(), title,
                        [&plot](QCPPainter& painter) { plot.toPainter(&painter, plot.width(), plot.height()); }};
    };
    switch (Page(m_pages->currentIndex())) {
    case Page::Chart:
        return plotted(*m_chart);
    case Page::Sweep:
        return plotted(m_sweep->plot());
    case Page::Graph: {
        QGraphicsScene* scene = m_graph->canvas().scene();
        return {scene->sceneRect().size().toSize(), title, [scene](QCPPainter& painter) { scene->render(&painter); }};
    }
    default: {
        const auto* area = qobject_cast<QScrollArea*>(m_pages->currentWidget());
        QWidget* page = area ? area->widget() : m_pages->currentWidget();
        return {page->size(), title, [page](QCPPainter& painter) {
                    page->render(&painter, {}, {}, QWidget::DrawWindowBackground | QWidget::DrawChildren);
                }};
    }
    }
}

core::Status RooflineView::exportTo(const QString& file)
{
    PSC_ASSIGN(const PlotFormat format, plotFormatOf(file));
    if (format == PlotFormat::Csv)
        return writeTextFile(file, pageCsv());
    m_chart->leavePoints();
    QWidget* page = m_pages->currentWidget();
    page->setPalette(lightPalette());
    const core::Status status = writePicture(pagePicture(), file, format);
    page->setPalette(QPalette()); // that of the window again
    return status;
}

void RooflineView::chooseExport(const QString& ending)
{
    auto* dialog =
        new QFileDialog(this, tr("Export roofline"), {}, tr("%1 files (*.%2)").arg(ending.toUpper(), ending));
    dialog->setObjectName(u"exportRooflineDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(ending);
    dialog->selectFile(u"roofline.%1"_s.arg(ending));
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
        const core::Status status = exportTo(file);
        if (status.ok())
            Q_EMIT exported(file);
        else
            Q_EMIT failed(status.error());
    });
    dialog->open();
}

void RooflineView::dragEnterEvent(QDragEnterEvent* event)
{
    const std::optional<QFileInfo> file = droppedFile(*event->mimeData());
    if (file && (mayBeModel(*file) || (m_session->model() && mayBeCounters(*file))))
        event->acceptProposedAction();
}

void RooflineView::dropEvent(QDropEvent* event)
{
    const std::optional<QFileInfo> file = droppedFile(*event->mimeData());
    if (!file)
        return;
    event->acceptProposedAction();
    if (mayBeModel(*file))
        openModel(file->absoluteFilePath());
    else
        m_session->openCounters(file->absoluteFilePath());
}

QJsonObject RooflineView::saveState() const
{
    QJsonObject state = toJson(m_session->setting());
    state[u"device"_s] = toQString(m_session->device().spec.name);
    state[u"otherDevices"_s] = QJsonArray::fromStringList(m_session->otherDevices());
    state[u"recent"_s] = QJsonArray::fromStringList(m_recent);
    state[u"linear"_s] = m_linear->isChecked();
    state[u"levels"_s] = m_levels->isChecked();
    state[u"follow"_s] = m_follow->isChecked();
    return state;
}

void RooflineView::restoreState(const QJsonObject& state)
{
    m_session->setSetting(settingFrom(state, m_session->setting()));
    m_session->setDevice(state[u"device"_s].toString());
    QStringList others;
    for (const QJsonValue& name : state[u"otherDevices"_s].toArray())
        others << name.toString();
    m_session->setOtherDevices(others);
    m_recent.clear();
    for (const QJsonValue& path : state[u"recent"_s].toArray())
        m_recent << path.toString();
    m_linear->setChecked(state[u"linear"_s].toBool());
    m_levels->setChecked(state[u"levels"_s].toBool(true));
    m_follow->setChecked(state[u"follow"_s].toBool(true));
}

} // namespace paretoscope::views
