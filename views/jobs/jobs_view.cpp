// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/jobs/jobs_view.h"

#include "views/format/format.h"
#include "views/jobs/event_model.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/tab_order.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QProgressBar>
#include <QScrollBar>
#include <QSplitter>
#include <QStackedLayout>
#include <QStyledItemDelegate>
#include <QTableView>
#include <QToolButton>

#include <chrono>
#include <cmath>

using namespace std::chrono_literals;
using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// A flat bar behind the phase's text.
class ProgressDelegate : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        const QVariant fraction = index.data(RunModel::FractionRole);
        if (fraction.isValid()) {
            const QRectF track = QRectF(option.rect).adjusted(4, 3, -4, -3);
            painter->save();
            painter->setRenderHint(QPainter::Antialiasing);
            painter->setPen(Qt::NoPen);
            QColor fill = option.palette.color(QPalette::Highlight);
            fill.setAlphaF(0.12F);
            painter->setBrush(fill);
            painter->drawRoundedRect(track, 3, 3);
            fill.setAlphaF(0.35F);
            painter->setBrush(fill);
            painter->drawRoundedRect(
                QRectF(track.topLeft(), QSizeF(track.width() * fraction.toDouble(), track.height())), 3, 3);
            painter->restore();
        }
        QStyleOptionViewItem text = option;
        text.rect.adjust(6, 0, 0, 0);
        QStyledItemDelegate::paint(painter, text, index);
    }
};

void prepare(QTableView& table, const QString& name, const QString& accessibleName)
{
    table.setObjectName(name);
    table.setAccessibleName(accessibleName);
    table.setSelectionBehavior(QAbstractItemView::SelectRows);
    table.setFrameShape(QFrame::NoFrame);
    table.setShowGrid(false);
    table.setWordWrap(false);
    table.setTabKeyNavigation(false);
    table.verticalHeader()->hide();
    table.verticalHeader()->setMinimumSectionSize(1);
    table.verticalHeader()->setDefaultSectionSize(table.fontMetrics().height() + 8);
    table.horizontalHeader()->setHighlightSections(false);
    table.horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
}

} // namespace

JobsView::JobsView(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_run(new RunModel(this))
    , m_events(new EventModel(this))
    , m_runTable(new QTableView(this))
    , m_eventTable(new QTableView(this))
    , m_headline(new QLabel(this))
    , m_times(new QLabel(this))
    , m_progress(new QProgressBar(this))
    , m_empty(new EmptyState(this))
{
    setObjectName(u"jobsView"_s);
    createTables();
    createCommands();
    m_headline->setObjectName(u"jobsHeadline"_s);
    m_headline->setTextFormat(Qt::PlainText);
    m_times->setObjectName(u"jobsTimes"_s);
    m_times->setTextFormat(Qt::PlainText);
    m_times->setForegroundRole(QPalette::PlaceholderText);
    m_progress->setObjectName(u"jobsProgress"_s);
    m_progress->setAccessibleName(tr("Progress of the sweep"));
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_progress->setFixedHeight(8);
    m_progress->setMinimumWidth(120);

    auto* page = new QWidget(this);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(8, 6, 8, 6);
    head->setSpacing(10);
    head->addWidget(m_headline);
    head->addWidget(m_progress, 1);
    head->addWidget(m_times);
    auto* stop = new QToolButton(page);
    stop->setObjectName(u"jobsStop"_s);
    stop->setDefaultAction(m_stop);
    stop->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    head->addWidget(stop);
    m_continueButton = new QToolButton(page);
    m_continueButton->setObjectName(u"jobsContinue"_s);
    m_continueButton->setDefaultAction(m_continue);
    m_continueButton->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    head->addWidget(m_continueButton);
    auto* splitter = new QSplitter(Qt::Horizontal, page);
    splitter->setObjectName(u"jobsSplitter"_s);
    splitter->setChildrenCollapsible(false);
    splitter->addWidget(m_runTable);
    splitter->addWidget(m_eventTable);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 2);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(head);
    layout->addWidget(splitter, 1);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(page);
    orderTabs({stop, m_continueButton, m_runTable, m_eventTable});

    m_ticker.setInterval(500ms);
    connect(&m_ticker, &QTimer::timeout, m_run, &RunModel::tick);
    connect(m_run, &RunModel::changed, this, &JobsView::showRun);
    connect(m_run, &RunModel::trialBegun, m_runTable,
            [this](int row) { m_runTable->scrollTo(m_run->index(row, 0), QAbstractItemView::EnsureVisible); });
    showRun();
}

void JobsView::createTables()
{
    prepare(*m_runTable, u"runTable"_s, tr("Trials of the sweep"));
    m_runTable->setModel(m_run);
    m_runTable->setItemDelegateForColumn(RunModel::Progress, new ProgressDelegate(this));
    QHeaderView* header = m_runTable->horizontalHeader();
    header->setSectionResizeMode(RunModel::Pipeline, QHeaderView::Stretch);
    const int width = m_runTable->fontMetrics().averageCharWidth();
    m_runTable->setColumnWidth(RunModel::State, width * 20);
    m_runTable->setColumnWidth(RunModel::Progress, width * 24);
    m_runTable->setColumnWidth(RunModel::Time, width * 12);
    m_runTable->setColumnWidth(RunModel::Remaining, width * 16);
    m_runTable->setColumnWidth(RunModel::Memory, width * 10);
    connect(m_runTable->selectionModel(), &QItemSelectionModel::selectionChanged, this, &JobsView::selectRow);

    prepare(*m_eventTable, u"eventTable"_s, tr("Log of the project"));
    m_eventTable->setModel(m_events);
    m_eventTable->setColumnWidth(EventModel::Time, m_eventTable->fontMetrics().horizontalAdvance(u"00:00:00"_s) + 20);
    m_eventTable->horizontalHeader()->setStretchLastSection(true);
    connect(m_events, &QAbstractItemModel::rowsAboutToBeInserted, this, [this] {
        const QScrollBar* bar = m_eventTable->verticalScrollBar(); // follows the end only while it is in sight
        if (bar->value() == bar->maximum())
            QMetaObject::invokeMethod(m_eventTable, &QAbstractItemView::scrollToBottom, Qt::QueuedConnection);
    });
}

void JobsView::createCommands()
{
    m_stop = new QAction(themedIcon(u"stop"_s), tr("Stop"), this);
    m_stop->setObjectName(u"jobs.stop"_s);
    m_stop->setEnabled(false);
    connect(m_stop, &QAction::triggered, this, &JobsView::stopRequested);
    addAction(m_stop);
    m_continue = new QAction(themedIcon(u"run"_s), tr("Continue"), this);
    m_continue->setObjectName(u"jobs.continue"_s);
    m_continue->setToolTip(tr("Runs the trials of the sweep that are not done, the failed ones too"));
    m_continue->setEnabled(false);
    connect(m_continue, &QAction::triggered, this, &JobsView::continueRequested);
    addAction(m_continue);
    auto* copy = new QAction(themedIcon(u"copy"_s), tr("Copy log"), this);
    copy->setObjectName(u"jobs.copy-log"_s);
    copy->setToolTip(tr("All events of the project as text, for a bug report"));
    connect(copy, &QAction::triggered, this, [this] { QGuiApplication::clipboard()->setText(m_events->asText()); });
    addAction(copy);
    m_eventTable->setContextMenuPolicy(Qt::ActionsContextMenu);
    m_eventTable->addAction(copy);
}

void JobsView::setSnapshot(const SnapshotPtr& snapshot)
{
    m_events->setSnapshot(snapshot);
    m_run->watch(snapshot);
    showRun();
}

void JobsView::showRun()
{
    const RunModel::Phase phase = m_run->phase();
    const bool active =
        phase == RunModel::Phase::Preparing || phase == RunModel::Phase::Running || phase == RunModel::Phase::Stopping;
    m_stack->setCurrentIndex(m_run->total() > 0 || m_events->rowCount() > 0 || active ? 1 : 0);
    m_headline->setText(m_run->headline());
    m_progress->setVisible(active);
    m_progress->setRange(0, phase == RunModel::Phase::Preparing ? 0 : 1000);
    m_progress->setValue(int(m_run->fraction() * 1000));
    QString times;
    if (active) {
        times = format::duration(std::floor(m_run->elapsedSeconds()));
        if (const auto remaining = m_run->remainingSeconds())
            times = tr("%1, about %2 left").arg(times, format::duration(std::max(1.0, std::ceil(*remaining))));
    }
    m_times->setText(times);
    m_stop->setEnabled(active);
    m_continue->setEnabled(m_run->canContinue());
    m_continueButton->setVisible(m_run->canContinue());
    const bool stopping = phase == RunModel::Phase::Stopping;
    m_stop->setText(stopping ? tr("Stop now") : tr("Stop"));
    m_stop->setToolTip(stopping ? tr("Ends the workers at once; finished trials are kept, the ones in hand are lost")
                                : tr("Lets the workers end the layer in hand and keeps what is finished"));
    if (active && !m_ticker.isActive())
        m_ticker.start();
    else if (!active)
        m_ticker.stop();
}

void JobsView::selectRow()
{
    std::vector<core::TrialId> ids;
    for (const QModelIndex& index : m_runTable->selectionModel()->selectedRows()) {
        if (const auto id = m_run->idAt(index.row()))
            ids.push_back(*id);
    }
    if (!ids.empty())
        m_selection.select(ids);
}

} // namespace paretoscope::views
