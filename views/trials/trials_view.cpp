// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/trials/trials_view.h"

#include "views/table/clipboard_text.h"
#include "views/table/frozen_table_view.h"
#include "views/table/text_file.h"
#include "views/theme/icons.h"
#include "views/trials/trial_proxy.h"
#include "views/trials/trial_table_model.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/filter_bar.h"
#include "views/widgets/tab_order.h"

#include <QAction>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHeaderView>
#include <QJsonArray>
#include <QMenu>
#include <QStackedLayout>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Marks the row that is hovered, here or in another view.
class HoverDelegate : public QStyledItemDelegate
{
public:
    HoverDelegate(const TrialProxy& proxy, const SelectionModel& selection, QObject* parent)
        : QStyledItemDelegate(parent)
        , m_proxy(proxy)
        , m_selection(selection)
    {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::initStyleOption(option, index);
        if (!m_selection.hovered() || m_proxy.idAt(index.row()) != m_selection.hovered())
            return;
        QColor tint = option->palette.color(QPalette::Highlight);
        tint.setAlphaF(0.16F);
        option->backgroundBrush = tint;
    }

private:
    const TrialProxy& m_proxy;
    const SelectionModel& m_selection;
};

} // namespace

TrialsView::TrialsView(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_model(new TrialTableModel(this))
    , m_proxy(new TrialProxy(*m_model, selection, this))
    , m_table(new FrozenTableView(this))
    , m_filter(new FilterBar(selection, this))
    , m_empty(new EmptyState(this))
{
    setObjectName(u"trialsView"_s);
    createTable();
    auto* page = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 6, 8, 4);
    bar->addWidget(m_filter, 1);
    auto* columns = new QToolButton(page);
    columns->setObjectName(u"trialColumns"_s);
    columns->setIcon(themedIcon(u"columns"_s));
    columns->setToolTip(tr("Choose columns"));
    columns->setAccessibleName(columns->toolTip());
    columns->setAutoRaise(true);
    columns->setPopupMode(QToolButton::InstantPopup);
    auto* columnMenu = new QMenu(columns);
    connect(columnMenu, &QMenu::aboutToShow, this, [this, columnMenu] { fillColumnMenu(*columnMenu); });
    columns->setMenu(columnMenu);
    bar->addWidget(columns);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_table);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(page);
    createCommands();
    orderTabs({m_filter, columns, m_table});

    connect(&m_selection, &SelectionModel::selectionChanged, this, &TrialsView::showSelection);
    connect(&m_selection, &SelectionModel::filterChanged, this, &TrialsView::applyFilter);
    connect(&m_selection, &SelectionModel::hoverChanged, m_table->viewport(), qOverload<>(&QWidget::update));
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, &TrialsView::takeSelection);
    connect(m_proxy, &QAbstractItemModel::rowsInserted, this, &TrialsView::showSelection);
    connect(m_proxy, &QAbstractItemModel::modelReset, this, [this] {
        applyColumnVisibility();
        showSelection();
    });
    connect(m_proxy, &QAbstractItemModel::columnsInserted, this, &TrialsView::applyColumnVisibility);
}

void TrialsView::createTable()
{
    m_table->setObjectName(u"trialTable"_s);
    m_table->setAccessibleName(tr("Trials"));
    m_table->setModel(m_proxy);
    m_table->setItemDelegate(new HoverDelegate(*m_proxy, m_selection, this));
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_table->setAlternatingRowColors(true);
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->setTabKeyNavigation(false); // Tab leaves the table; arrows move inside
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setMouseTracking(true);
    m_table->viewport()->installEventFilter(this);
    m_table->installEventFilter(this);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setMinimumSectionSize(1);
    m_table->verticalHeader()->setDefaultSectionSize(m_table->fontMetrics().height() + 8);
    QHeaderView* header = m_table->horizontalHeader();
    header->setObjectName(u"trialHeader"_s);
    header->setHighlightSections(false);
    header->setSectionsMovable(true);
    header->setStretchLastSection(false);
    header->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(header, &QWidget::customContextMenuRequested, this, [this, header](const QPoint& position) {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        fillColumnMenu(*menu);
        menu->popup(header->mapToGlobal(position));
    });
    connect(header, &QHeaderView::sectionResized, this, [this](int column, int, int width) {
        if (!m_syncing && width > 0 && column < int(m_model->columns().size()))
            m_columnWidth[m_model->columns()[std::size_t(column)].id] = width;
    });
    connect(m_table, &QAbstractItemView::entered, this,
            [this](const QModelIndex& index) { m_selection.hover(m_proxy->idAt(index.row())); });
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(-1, Qt::AscendingOrder);
}

QAction* TrialsView::addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon)
{
    auto* action = new QAction(text, this);
    if (!icon.isEmpty())
        action->setIcon(themedIcon(icon));
    action->setObjectName(id);
    action->setToolTip(tip);
    addAction(action);
    return action;
}

void TrialsView::createCommands()
{
    const auto copies = [this](QAction* action, QString (*write)(const QList<QStringList>&), bool exact, bool header) {
        connect(action, &QAction::triggered, this, [this, write, exact, header] {
            QGuiApplication::clipboard()->setText(write(selectedCells(exact, header)));
        });
    };
    QAction* copy = addCommand(u"trials.copy"_s, tr("Copy rows"),
                               tr("Selected rows with header, tab-separated, exact numbers in base units"), u"copy"_s);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    copies(copy, asTsv, true, true);
    copies(addCommand(u"trials.copy-without-header"_s, tr("Copy rows without header"),
                      tr("Selected rows, tab-separated"), {}),
           asTsv, true, false);
    copies(
        addCommand(u"trials.copy-markdown"_s, tr("Copy rows as Markdown"), tr("Selected rows as a Markdown table"), {}),
        asMarkdown, false, true);
    copies(addCommand(u"trials.copy-latex"_s, tr("Copy rows as LaTeX"), tr("Selected rows as a LaTeX tabular"), {}),
           asLatex, false, true);
    QAction* save = addCommand(u"trials.export"_s, tr("Export trials table…"),
                               tr("Writes the selected or all rows as CSV, TSV, Markdown or LaTeX"), u"export"_s);
    connect(save, &QAction::triggered, this, &TrialsView::chooseExport);
    QAction* filter =
        addCommand(u"trials.filter"_s, tr("Filter trials"), tr("Goes to the filter of all views"), u"filter"_s);
    filter->setShortcut(QKeySequence(u"Ctrl+F"_s));
    connect(filter, &QAction::triggered, m_filter, &FilterBar::focusFilter);
    QAction* freeze = addCommand(u"trials.freeze"_s, tr("Keep the pipeline column in sight"),
                                 tr("The first column stays while the others scroll"), {});
    freeze->setCheckable(true);
    freeze->setChecked(true);
    connect(freeze, &QAction::toggled, m_table, &FrozenTableView::setFirstColumnFrozen);
}

void TrialsView::setSnapshot(const SnapshotPtr& snapshot)
{
    m_model->setSnapshot(snapshot);
    m_filter->setSnapshot(snapshot);
    m_stack->setCurrentIndex(snapshot && !snapshot->trials.empty() ? 1 : 0);
}

void TrialsView::fillColumnMenu(QMenu& menu)
{
    menu.clear();
    for (const TableColumn& column : m_model->columns()) {
        QAction* entry = menu.addAction(column.header());
        entry->setCheckable(true);
        entry->setToolTip(column.doc);
        entry->setChecked(m_columnShown.value(column.id, column.shown));
        entry->setEnabled(column.id != "pipeline"_L1);
        connect(entry, &QAction::toggled, this, [this, id = column.id](bool shown) {
            m_columnShown[id] = shown;
            applyColumnVisibility();
        });
    }
}

void TrialsView::applyColumnVisibility()
{
    m_syncing = true;
    const QFontMetrics metrics = m_table->fontMetrics();
    for (std::size_t i = 0; i < m_model->columns().size(); ++i) {
        const TableColumn& column = m_model->columns()[i];
        const int automatic = column.id == "pipeline"_L1 ? metrics.averageCharWidth() * 38
                              : column.id == "status"_L1
                                  ? metrics.horizontalAdvance(statusText(core::TrialStatus::Interrupted)) + 46
                                  : metrics.horizontalAdvance(column.header()) + 32;
        m_table->setColumnWidth(int(i), m_columnWidth.value(column.id, automatic));
        m_table->setColumnHidden(int(i), !m_columnShown.value(column.id, column.shown));
    }
    m_syncing = false;
}

void TrialsView::takeSelection(const QItemSelection& added, const QItemSelection& removed)
{
    if (m_syncing)
        return;
    m_syncing = true;
    TrialSet gone;
    for (const QItemSelectionRange& range : removed) {
        for (int row = range.top(); row <= range.bottom(); ++row) {
            if (const auto id = m_proxy->idAt(row))
                gone.insert(*id);
        }
    }
    std::vector<core::TrialId> ids;
    for (const core::TrialId& id : m_selection.selected()) {
        if (!gone.contains(id))
            ids.push_back(id);
    }
    const int current = m_table->selectionModel()->currentIndex().row();
    std::optional<core::TrialId> last; // the current one, as the shared selection has it
    for (const QItemSelectionRange& range : added) {
        for (int row = range.top(); row <= range.bottom(); ++row) {
            const auto id = m_proxy->idAt(row);
            if (id && row == current)
                last = id;
            else if (id)
                ids.push_back(*id);
        }
    }
    if (last)
        ids.push_back(*last);
    m_selection.select(ids);
    m_syncing = false;
}

void TrialsView::showSelection()
{
    if (m_syncing || m_proxy->columnCount() == 0)
        return;
    m_syncing = true;
    std::vector<int> rows;
    for (const core::TrialId& id : m_selection.selected()) {
        if (const int row = m_proxy->rowOf(id); row >= 0)
            rows.push_back(row);
    }
    const int current = rows.empty() ? -1 : rows.back();
    std::sort(rows.begin(), rows.end());
    QItemSelection wanted; // as few ranges as possible: Qt takes quadratic time in them
    for (std::size_t i = 0; i < rows.size();) {
        std::size_t end = i + 1;
        while (end < rows.size() && rows[end] == rows[end - 1] + 1)
            ++end;
        wanted << QItemSelectionRange(m_proxy->index(rows[i], 0),
                                      m_proxy->index(rows[end - 1], m_proxy->columnCount() - 1));
        i = end;
    }
    m_table->selectionModel()->clearSelection(); // from nothing to something Qt is fast
    m_table->selectionModel()->select(wanted, QItemSelectionModel::Select);
    if (current >= 0) {
        m_table->selectionModel()->setCurrentIndex(m_proxy->index(current, 0), QItemSelectionModel::NoUpdate);
        m_table->scrollTo(m_proxy->index(current, 0));
    }
    m_syncing = false;
}

void TrialsView::applyFilter()
{
    m_syncing = true; // rows that come and go are no choice of the user
    m_table->selectionModel()->clearSelection();
    m_proxy->applyFilter();
    m_syncing = false;
    showSelection();
}

QList<QStringList> TrialsView::selectedCells(bool exact, bool withHeader) const
{
    const int role = exact ? int(TrialTableModel::ExactRole) : int(Qt::DisplayRole);
    const QHeaderView* header = m_table->horizontalHeader();
    QList<int> columns;
    for (int visual = 0; visual < header->count(); ++visual) {
        const int logical = header->logicalIndex(visual);
        if (!m_table->isColumnHidden(logical))
            columns << logical;
    }
    QList<QStringList> cells;
    if (withHeader) {
        QStringList titles;
        for (const int column : columns)
            titles << m_proxy->headerData(column, Qt::Horizontal, role).toString();
        cells << titles;
    }
    const bool all = !m_table->selectionModel()->hasSelection();
    for (int row = 0; row < m_proxy->rowCount(); ++row) {
        if (!all && !m_table->selectionModel()->isRowSelected(row))
            continue;
        QStringList values;
        for (const int column : columns)
            values << m_proxy->index(row, column).data(role).toString().trimmed(); // without the padding of numbers
        cells << values;
    }
    return cells;
}

bool TrialsView::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::Leave && watched == m_table->viewport())
        m_selection.hover(std::nullopt);
    if (event->type() == QEvent::ContextMenu && watched == m_table->viewport()) {
        showContextMenu(static_cast<QContextMenuEvent*>(event)->globalPos());
        return true;
    }
    if (event->type() == QEvent::KeyPress && watched == m_table &&
        static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape)
        m_selection.clear();
    return QWidget::eventFilter(watched, event);
}

void TrialsView::showContextMenu(const QPoint& globalPosition)
{
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addActions(actions());
    menu->popup(globalPosition);
}

core::Status TrialsView::exportTo(const QString& file) const
{
    const QString ending = QFileInfo(file).suffix().toLower();
    QString text;
    if (ending == "csv"_L1)
        text = asCsv(selectedCells(true));
    else if (ending == "tsv"_L1)
        text = asTsv(selectedCells(true));
    else if (ending == "md"_L1)
        text = asMarkdown(selectedCells(false));
    else if (ending == "tex"_L1)
        text = asLatex(selectedCells(false));
    else
        return core::Error {core::ErrorCode::InvalidArgument, tr("%1 names no table format").arg(file).toStdString(),
                            tr("end the name in .csv, .tsv, .md or .tex").toStdString()};
    return writeTextFile(file, text);
}

void TrialsView::chooseExport()
{
    auto* dialog = new QFileDialog(this, tr("Export trials table"), {},
                                   tr("CSV (*.csv);;Tab-separated (*.tsv);;Markdown (*.md);;LaTeX (*.tex)"));
    dialog->setObjectName(u"exportTrialsDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(u"csv"_s);
    dialog->selectFile(u"trials.csv"_s);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
        const core::Status status = exportTo(file);
        if (status.ok())
            Q_EMIT exported(file);
        else
            Q_EMIT failed(status.error());
    });
    dialog->open();
}

QJsonObject TrialsView::saveState() const
{
    QJsonObject shown;
    for (auto it = m_columnShown.begin(); it != m_columnShown.end(); ++it)
        shown[it.key()] = it.value();
    QJsonObject widths;
    for (auto it = m_columnWidth.begin(); it != m_columnWidth.end(); ++it)
        widths[it.key()] = it.value();
    const int sorted = m_table->horizontalHeader()->sortIndicatorSection();
    const auto& columns = m_model->columns();
    return {{u"shown"_s, shown},
            {u"widths"_s, widths},
            {u"sort"_s, sorted >= 0 && sorted < int(columns.size()) ? columns[std::size_t(sorted)].id : QString()},
            {u"descending"_s, m_table->horizontalHeader()->sortIndicatorOrder() == Qt::DescendingOrder},
            {u"frozen"_s, m_table->isFirstColumnFrozen()}};
}

void TrialsView::restoreState(const QJsonObject& state)
{
    m_columnShown.clear();
    m_columnWidth.clear();
    const QJsonObject shown = state[u"shown"].toObject();
    for (auto it = shown.begin(); it != shown.end(); ++it)
        m_columnShown[it.key()] = it.value().toBool(true);
    const QJsonObject widths = state[u"widths"].toObject();
    for (auto it = widths.begin(); it != widths.end(); ++it)
        m_columnWidth[it.key()] = std::clamp(it.value().toInt(100), 20, 4000);
    m_table->setFirstColumnFrozen(state[u"frozen"].toBool(true));
    applyColumnVisibility();
    m_table->sortByColumn(m_model->columnOf(state[u"sort"].toString()),
                          state[u"descending"].toBool() ? Qt::DescendingOrder : Qt::AscendingOrder);
}

} // namespace paretoscope::views
