// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/inspector/inspector_view.h"

#include "core/sweep/reproduce.h"
#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/roomy_delegate.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QScrollBar>
#include <QStackedLayout>
#include <QTreeView>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// The record as JSON, for scripts.
core::Json jsonOf(const core::TrialRecord& trial)
{
    core::Json metrics = core::Json::object();
    for (const core::MetricRecord& metric : trial.metrics) {
        core::Json entry {
            {"unit", metric.unit}, {"protocol", metric.protocol}, {"n", metric.n}, {"details", metric.details}};
        entry["value"] = metric.value ? core::Json(*metric.value) : core::Json();
        entry["standard_error"] = metric.standardError ? core::Json(*metric.standardError) : core::Json();
        metrics[metric.name].push_back(entry);
    }
    core::Json json {{"id", trial.id.hex()},     {"pipeline", trial.label},
                     {"stages", trial.pipeline}, {"workload", trial.workload},
                     {"seed", trial.seed},       {"status", core::trialStatusName(trial.status)},
                     {"seconds", trial.seconds}, {"provenance", trial.provenance},
                     {"metrics", metrics}};
    if (trial.error)
        json["error"] = {{"code", core::errorCodeName(trial.error->code)},
                         {"message", trial.error->message},
                         {"hint", trial.error->hint}};
    return json;
}

} // namespace

InspectorView::InspectorView(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_model(new InspectorModel(this))
    , m_tree(new QTreeView(this))
    , m_note(new QLabel(this))
    , m_empty(new EmptyState(this))
{
    setObjectName(u"inspectorView"_s);
    m_tree->setObjectName(u"inspectorTree"_s);
    m_tree->setAccessibleName(tr("Properties of the trial"));
    m_tree->setModel(m_model);
    m_tree->setFrameShape(QFrame::NoFrame);
    m_tree->setAlternatingRowColors(true);
    m_tree->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_tree->setIndentation(14);
    m_tree->setItemDelegate(new RoomyDelegate(m_tree));
    m_tree->header()->setObjectName(u"inspectorHeader"_s);
    m_tree->header()->setStretchLastSection(true);
    m_tree->header()->resizeSection(0, m_tree->fontMetrics().averageCharWidth() * 24);
    m_note->setObjectName(u"inspectorNote"_s);
    m_note->setTextFormat(Qt::PlainText);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->setContentsMargins(8, 4, 8, 4);
    m_empty->setText(tr("No trial selected"), tr("Click a point of the plot or a row of the table."));
    auto* page = new QWidget(this);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_note);
    layout->addWidget(m_tree);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(page);
    createCommands();
    connect(&m_selection, &SelectionModel::selectionChanged, this, &InspectorView::follow);
}

void InspectorView::createCommands()
{
    const auto add = [this](const QString& id, const QString& text, const QString& tip) {
        auto* action = new QAction(themedIcon(u"copy"_s), text, this);
        action->setObjectName(id);
        action->setToolTip(tip);
        addAction(action);
        return action;
    };
    QAction* rows = add(u"inspector.copy"_s, tr("Copy properties"), tr("The selected lines, tab-separated"));
    rows->setShortcut(QKeySequence::Copy);
    rows->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(rows, &QAction::triggered, this, &InspectorView::copyRows);
    QAction* text =
        add(u"inspector.copy-text"_s, tr("Copy trial as text"), tr("All that is known about the trial, for a mail"));
    connect(text, &QAction::triggered, this, [this] { QGuiApplication::clipboard()->setText(m_model->asText()); });
    QAction* json =
        add(u"inspector.copy-json"_s, tr("Copy trial as JSON"), tr("All that is known about the trial, for a script"));
    connect(json, &QAction::triggered, this, [this] {
        if (m_complete)
            QGuiApplication::clipboard()->setText(toQString(jsonOf(*m_complete).dump(2)));
    });
    QAction* sweep = add(u"inspector.copy-sweep"_s, tr("Copy as sweep file"),
                         tr("A sweep file that runs exactly this trial again, for paretoscope --batch"));
    connect(sweep, &QAction::triggered, this, &InspectorView::copySweep);
    // Not the tree's own actions: a shortcut that two widgets claim is ambiguous and does nothing.
    m_tree->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(m_tree, &QWidget::customContextMenuRequested, this, [this](const QPoint& position) {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        menu->addActions(actions());
        menu->popup(m_tree->viewport()->mapToGlobal(position));
    });
}

void InspectorView::copySweep()
{
    if (!m_complete)
        return;
    const core::Result<core::Sweep> sweep = core::reproducingSweep(*m_complete);
    if (sweep.ok())
        QGuiApplication::clipboard()->setText(toQString(core::writeSweep(sweep.value())));
    else
        Q_EMIT failed(sweep.error());
}

void InspectorView::setPlugins(std::shared_ptr<const core::PluginCatalogue> plugins)
{
    m_plugins = std::move(plugins);
    follow();
}

void InspectorView::setSnapshot(const SnapshotPtr& snapshot)
{
    const core::TrialRecord* before = m_snapshot && m_shown ? m_snapshot->find(*m_shown) : nullptr;
    const core::TrialRecord* after = snapshot && m_shown ? snapshot->find(*m_shown) : nullptr;
    const bool same = before && after && !differs(*before, *after);
    m_snapshot = snapshot;
    if (!same)
        follow();
}

void InspectorView::follow()
{
    m_shown = m_selection.current();
    const core::TrialRecord* trial = m_snapshot && m_shown ? m_snapshot->find(*m_shown) : nullptr;
    m_stack->setCurrentIndex(trial ? 1 : 0);
    const int others = int(m_selection.selected().size()) - 1;
    m_note->setText(tr("The last one of %n selected trial(s)", nullptr, others + 1));
    m_note->setVisible(trial && others > 0);
    if (!trial) {
        m_complete.reset();
        present(nullptr);
        return;
    }
    if (!m_complete || m_complete->id != *m_shown)
        present(trial); // at once; provenance follows
    Q_EMIT trialNeeded(*m_shown);
}

void InspectorView::showTrial(const std::shared_ptr<const core::TrialRecord>& trial)
{
    if (!trial || trial->id != m_shown)
        return; // an answer to an older selection
    m_complete = trial;
    present(trial.get());
}

void InspectorView::present(const core::TrialRecord* trial)
{
    const int scrolled = m_tree->verticalScrollBar()->value();
    m_model->show(trial, m_plugins.get());
    m_tree->expandToDepth(0);
    const QAbstractItemModel& model = *m_tree->model();
    for (int section = 0; section < model.rowCount(); ++section) {
        const QModelIndex parent = model.index(section, 0);
        for (int row = 0; row < model.rowCount(parent); ++row) {
            const QModelIndex item = model.index(row, 0, parent);
            m_tree->setExpanded(item, item.data(InspectorModel::OpenRole).toBool());
        }
    }
    m_tree->verticalScrollBar()->setValue(scrolled);
}

void InspectorView::copyRows() const
{
    QStringList lines;
    for (const QModelIndex& index : m_tree->selectionModel()->selectedRows())
        lines << u"%1\t%2"_s.arg(index.data().toString(), index.siblingAtColumn(1).data().toString());
    QGuiApplication::clipboard()->setText(lines.join('\n'_L1));
}

} // namespace paretoscope::views
