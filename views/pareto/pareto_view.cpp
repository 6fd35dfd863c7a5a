// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_view.h"

#include "views/format/metric_text.h"
#include "views/format/text.h"
#include "views/pareto/pareto_legend.h"
#include "views/pareto/pareto_plot.h"
#include "views/pareto/plot_export.h"
#include "views/pareto/published_choice.h"
#include "views/pareto/what_if_choice.h"
#include "views/theme/icons.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/plain_tip.h"
#include "views/widgets/tab_order.h"

#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QJsonArray>
#include <QLabel>
#include <QMenu>
#include <QSignalBlocker>
#include <QStackedLayout>
#include <QToolButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Perplexities of a sweep span decades; sizes and agreements do not.
bool startsLogarithmic(const std::string& metric)
{
    return metric == "perplexity" || metric == "kl_divergence";
}

bool isPredicted(const AxisChoice& choice)
{
    return roofline::predictedQuantity(choice.metric) != nullptr;
}

void addMetric(QComboBox& metrics, std::string_view name, bool minimise)
{
    const MetricText text = metricText(name);
    metrics.addItem(minimise ? u"%1 ↓"_s.arg(text.title) : u"%1 ↑"_s.arg(text.title), toQString(name));
    metrics.setItemData(metrics.count() - 1, text.doc, Qt::ToolTipRole);
}

QJsonObject toJson(const AxisChoice& choice, bool logarithmic)
{
    return {
        {u"metric"_s, toQString(choice.metric)}, {u"protocol"_s, toQString(choice.protocol)}, {u"log"_s, logarithmic}};
}

AxisChoice choiceFrom(const QJsonObject& json)
{
    return {json[u"metric"].toString().toStdString(), json[u"protocol"].toString().toStdString()};
}

} // namespace

ParetoView::ParetoView(SelectionModel& selection, QWidget* parent)
    : QWidget(parent)
    , m_selection(selection)
    , m_plot(new ParetoPlot(selection, this))
    , m_empty(new EmptyState(this))
    , m_note(new QLabel(this))
{
    setObjectName(u"paretoView"_s);
    createControls();
    m_note->setObjectName(u"paretoNote"_s);
    m_note->setTextFormat(Qt::PlainText);
    m_note->setWordWrap(true);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->setContentsMargins(8, 2, 8, 4);
    m_note->hide();

    auto* plotPage = new QWidget(this);
    auto* page = new QVBoxLayout(plotPage);
    page->setContentsMargins(0, 0, 0, 0);
    page->setSpacing(0);
    page->addWidget(m_controls);
    page->addWidget(m_legend);
    page->addWidget(m_plot, 1);
    page->addWidget(m_note);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(plotPage);

    connect(&m_selection, &SelectionModel::filterChanged, this, &ParetoView::rebuild);
    connect(m_plot, &ParetoPlot::contextMenuRequested, this, &ParetoView::showContextMenu);
    setSnapshot(nullptr);
}

void ParetoView::createControls()
{
    m_controls = new QWidget(this);
    auto* row = new QHBoxLayout(m_controls);
    row->setContentsMargins(8, 6, 8, 2);
    row->setSpacing(6);
    m_y = createAxis(Qt::Vertical, *row);
    auto* against = new QLabel(tr("against"), m_controls);
    against->setForegroundRole(QPalette::PlaceholderText);
    row->addWidget(against);
    m_x = createAxis(Qt::Horizontal, *row);
    m_whatIf = new WhatIfChoice(m_controls);
    m_whatIf->hide();
    row->addWidget(m_whatIf);
    connect(m_whatIf, &WhatIfChoice::deviceChosen, this, [this] {
        m_wantedX = choiceOf(m_x);
        m_wantedY = choiceOf(m_y);
        rebuild();
    });
    connect(m_whatIf, &WhatIfChoice::predicted, this, &ParetoView::rebuild);
    row->addStretch(1);
    m_published = new PublishedChoice(m_controls);
    row->addWidget(m_published);
    connect(m_published, &PublishedChoice::chosenByUser, this, [this] {
        rebuild();
        m_plot->fit(); // what was asked for is seen
    });
    createCommands(*row);
    m_legend = new ParetoLegend(this);
    connect(m_legend, &ParetoLegend::hiddenMethodsChanged, this, &ParetoView::rebuild);
    connect(m_legend, &ParetoLegend::publishedRemoved, this, [this](const QString& series) {
        QStringList chosen = m_published->chosen();
        chosen.removeAll(series);
        m_published->choose(chosen);
        rebuild();
    });
}

ParetoView::AxisControls ParetoView::createAxis(Qt::Orientation axis, QHBoxLayout& row)
{
    const bool isX = axis == Qt::Horizontal;
    AxisControls controls;
    controls.metric = new QComboBox(m_controls);
    controls.metric->setObjectName(isX ? u"paretoX"_s : u"paretoY"_s);
    controls.metric->setAccessibleName(isX ? tr("Metric of the horizontal axis") : tr("Metric of the vertical axis"));
    controls.metric->setToolTip(controls.metric->accessibleName());
    controls.metric->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    controls.protocol = new QComboBox(m_controls);
    controls.protocol->setObjectName(isX ? u"paretoXProtocol"_s : u"paretoYProtocol"_s);
    controls.protocol->setAccessibleName(isX ? tr("Protocol of the horizontal axis")
                                             : tr("Protocol of the vertical axis"));
    controls.protocol->setToolTip(tr("Numbers measured under different protocols are never drawn together"));
    controls.protocol->setMinimumContentsLength(12);
    controls.protocol->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    controls.protocol->hide();
    controls.log = new QToolButton(m_controls);
    controls.log->setObjectName(isX ? u"paretoXLog"_s : u"paretoYLog"_s);
    controls.log->setText(tr("log"));
    controls.log->setCheckable(true);
    controls.log->setAutoRaise(true);
    controls.log->setToolTip(isX ? tr("Logarithmic horizontal axis") : tr("Logarithmic vertical axis"));
    controls.log->setAccessibleName(controls.log->toolTip());
    row.addWidget(controls.metric);
    row.addWidget(controls.protocol);
    row.addWidget(controls.log);
    AxisControls& member = isX ? m_x : m_y;
    connect(controls.metric, &QComboBox::activated, this, [this, &member] { metricChosen(member); });
    connect(controls.protocol, &QComboBox::activated, this, [this, &member, isX] {
        (isX ? m_wantedX : m_wantedY) = choiceOf(member);
        rebuild();
    });
    connect(controls.log, &QToolButton::clicked, this, [this, &member] {
        member.userChoseScale = true;
        applyScales();
    });
    return controls;
}

QAction* ParetoView::addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon)
{
    auto* action = new QAction(themedIcon(icon), text, this);
    action->setObjectName(id);
    action->setToolTip(tip);
    addAction(action);
    return action;
}

void ParetoView::createCommands(QHBoxLayout& row)
{
    QAction* dominated = addCommand(u"pareto.dominated"_s, tr("Show dominated points"),
                                    tr("Show or hide points that another trial beats in both metrics"), u"dominated"_s);
    dominated->setCheckable(true);
    dominated->setChecked(true);
    connect(dominated, &QAction::toggled, m_plot, &ParetoPlot::setDominatedShown);
    QAction* pan = addCommand(
        u"pareto.pan"_s, tr("Drag moves the plot"),
        tr("Dragging moves the plot instead of selecting (Shift swaps, the middle button always moves)"), u"pan"_s);
    pan->setCheckable(true);
    connect(pan, &QAction::toggled, m_plot, [this](bool pans) {
        m_plot->setDragMode(pans ? ParetoPlot::DragMode::Pan : ParetoPlot::DragMode::Select);
    });
    QAction* fit =
        addCommand(u"pareto.fit"_s, tr("Fit plot to all points"), tr("Show all points (0 or double click)"), u"fit"_s);
    connect(fit, &QAction::triggered, m_plot, &ParetoPlot::fit);
    for (const auto& [ending, text] : {std::pair(u"svg"_s, tr("Export plot as SVG…")),
                                       {u"pdf"_s, tr("Export plot as PDF…")},
                                       {u"png"_s, tr("Export plot as PNG…")},
                                       {u"csv"_s, tr("Export plotted points as CSV…")}}) {
        QAction* save = addCommand(u"pareto.export-"_s + ending, text,
                                   tr("Writes what the plot shows, in print colours, to a file"), u"export"_s);
        connect(save, &QAction::triggered, this, [this, wanted = ending] { exportAs(wanted); });
    }
    QAction* copy =
        addCommand(u"pareto.copy"_s, tr("Copy plot as picture"), tr("Puts the plot on the clipboard"), u"copy"_s);
    connect(copy, &QAction::triggered, this, &ParetoView::copyPicture);

    for (QAction* action : {dominated, pan, fit}) {
        auto* button = new QToolButton(m_controls);
        button->setDefaultAction(action);
        button->setObjectName(action->objectName() + u":button"_s);
        button->setAutoRaise(true);
        row.addWidget(button);
    }
    auto* more = new QToolButton(m_controls);
    more->setIcon(themedIcon(u"export"_s));
    more->setObjectName(u"paretoExport"_s);
    more->setToolTip(tr("Export or copy the plot"));
    more->setAccessibleName(more->toolTip());
    more->setAutoRaise(true);
    more->setPopupMode(QToolButton::InstantPopup);
    auto* menu = new QMenu(more);
    for (QAction* action : actions().mid(3))
        menu->addAction(action);
    more->setMenu(menu);
    row.addWidget(more);
}

void ParetoView::setSnapshot(const SnapshotPtr& snapshot)
{
    m_snapshot = snapshot;
    m_published->setSnapshot(snapshot);
    if (!snapshot) {
        m_stack->setCurrentIndex(0);
        return;
    }
    fillCombos();
    rebuild();
}

void ParetoView::setWhatIfSource(const WhatIfSourcePtr& source)
{
    m_whatIf->setSource(source);
    if (m_snapshot)
        setSnapshot(m_snapshot);
}

bool ParetoView::isKnown(const AxisChoice& choice) const
{
    return m_snapshot->metric(choice.metric) || (m_whatIf->hasDevices() && isPredicted(choice));
}

bool ParetoView::isPredictionChosen() const
{
    return isPredicted(choiceOf(m_x)) || isPredicted(choiceOf(m_y));
}

void ParetoView::fillCombos()
{
    for (const AxisChoice* wanted : {&m_wantedX, &m_wantedY}) {
        if (isPredicted(*wanted))
            m_whatIf->choose(wanted->protocol);
    }
    const auto [defaultX, defaultY] = defaultAxes(*m_snapshot);
    for (AxisControls* controls : {&m_x, &m_y}) {
        const bool isX = controls == &m_x;
        const AxisChoice& wanted = isX ? m_wantedX : m_wantedY;
        const AxisChoice& start = isKnown(wanted) ? wanted : isX ? defaultX : defaultY;
        const QSignalBlocker blocker(controls->metric);
        controls->metric->clear();
        for (const MetricSummary& metric : m_snapshot->metrics)
            addMetric(*controls->metric, metric.name, metric.minimise);
        if (m_whatIf->hasDevices()) {
            controls->metric->insertSeparator(controls->metric->count());
            for (const roofline::PredictedQuantity& quantity : roofline::predictedQuantities())
                addMetric(*controls->metric, quantity.name, quantity.minimise);
        }
        controls->metric->setCurrentIndex(controls->metric->findData(toQString(start.metric)));
        fillProtocols(*controls, start.protocol);
    }
    applyScales();
}

void ParetoView::fillProtocols(AxisControls& controls, const std::string& wanted)
{
    const MetricSummary* metric = m_snapshot->metric(controls.metric->currentData().toString().toStdString());
    const QSignalBlocker blocker(controls.protocol);
    controls.protocol->clear();
    if (metric) {
        for (const std::string& protocol : metric->protocols) {
            controls.protocol->addItem(protocol.empty() ? tr("no protocol") : toQString(protocol), toQString(protocol));
            controls.protocol->setItemData(controls.protocol->count() - 1, plainTip(toQString(protocol)),
                                           Qt::ToolTipRole);
        }
    }
    controls.protocol->setCurrentIndex(std::max(0, controls.protocol->findData(toQString(wanted))));
    controls.protocol->setVisible(controls.protocol->count() > 1);
}

AxisChoice ParetoView::choiceOf(const AxisControls& controls) const
{
    AxisChoice choice {controls.metric->currentData().toString().toStdString(),
                       controls.protocol->currentData().toString().toStdString()};
    if (isPredicted(choice))
        choice.protocol = m_whatIf->id();
    return choice;
}

void ParetoView::metricChosen(AxisControls& controls)
{
    controls.userChoseScale = false;
    fillProtocols(controls, {});
    m_wantedX = choiceOf(m_x);
    m_wantedY = choiceOf(m_y);
    applyScales();
    rebuild();
}

void ParetoView::applyScales()
{
    for (AxisControls* controls : {&m_x, &m_y}) {
        if (!controls->userChoseScale)
            controls->log->setChecked(startsLogarithmic(choiceOf(*controls).metric));
    }
    m_plot->setLogarithmic(Qt::Horizontal, m_x.log->isChecked());
    m_plot->setLogarithmic(Qt::Vertical, m_y.log->isChecked());
}

void ParetoView::rebuild()
{
    if (!m_snapshot)
        return;
    m_whatIf->setVisible(isPredictionChosen());
    const ParetoDataPtr plotted =
        prepareParetoData(m_snapshot, {.x = choiceOf(m_x),
                                       .y = choiceOf(m_y),
                                       .filter = m_selection.filter(),
                                       .hiddenMethods = m_legend->hiddenMethods(),
                                       .whatIf = isPredictionChosen() ? m_whatIf->axesFor(m_snapshot) : nullptr,
                                       .published = m_published->chosen()});
    m_published->setAxes(plotted->x, plotted->y);
    m_plot->setData(plotted);
    m_legend->setData(plotted);
    orderTabs({m_controls, m_legend, m_plot}); // chips come and go
    updateMessages();
    const bool isEmpty =
        plotted->points.empty() && m_legend->hiddenMethods().isEmpty() && m_snapshot->metrics.size() < 2;
    m_stack->setCurrentIndex(isEmpty ? 0 : 1);
}

/// "wikitext2_ppl@2048 beside Perplexity": what stands on the axes under which name of its own.
QStringList ParetoView::publishedPlaces() const
{
    const ParetoData& plotted = *m_plot->data();
    QStringList places;
    const auto add = [&](const QString& name, const MetricSummary& axis) {
        const QString place = tr("%1 beside %2").arg(name, metricText(axis.name).title);
        if (!places.contains(place))
            places << place;
    };
    for (const PublishedSeries& series : plotted.publishedSeries) {
        add(series.yName, plotted.y);
        add(series.xName, plotted.x);
    }
    return places;
}

void ParetoView::updateMessages()
{
    QStringList notes;
    const ParetoData& plotted = *m_plot->data();
    if (plotted.otherProtocol > 0)
        notes << tr("%n trial(s) measured under another protocol are not drawn; choose the protocol above.", nullptr,
                    plotted.otherProtocol);
    if (plotted.whatIf && plotted.whatIf->missing > 0)
        notes << tr("%n finished trial(s) cannot be predicted: %1", nullptr, plotted.whatIf->missing)
                     .arg(plotted.whatIf->reason);
    if (!plotted.published.empty())
        notes
            << tr("✳ %n published point(s), measured under other protocols than the trials: %1. Each tells its source.",
                  nullptr, int(plotted.published.size()))
                   .arg(publishedPlaces().join(u", "_s));
    const auto hiddenByLog = [&](Qt::Orientation axis) {
        return m_plot->isLogarithmic(axis)
                   ? int(std::count_if(plotted.points.begin(), plotted.points.end(),
                                       [&](const ParetoPoint& point) {
                                           return (axis == Qt::Horizontal ? point.value.x() : point.value.y()) <= 0;
                                       }))
                   : 0;
    };
    if (const int hidden = std::max(hiddenByLog(Qt::Horizontal), hiddenByLog(Qt::Vertical)); hidden > 0)
        notes << tr("%n point(s) are zero or negative and have no place on a logarithmic axis.", nullptr, hidden);
    m_note->setText(notes.join(' '_L1));
    m_note->setVisible(!notes.isEmpty());
}

void ParetoView::showContextMenu(const QPoint& globalPosition)
{
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addActions(actions().mid(0, 3));
    menu->addSeparator();
    menu->addActions(actions().mid(3));
    menu->popup(globalPosition);
}

void ParetoView::exportAs(const QString& ending)
{
    auto* dialog = new QFileDialog(this, tr("Export plot"), {}, tr("%1 files (*.%2)").arg(ending.toUpper(), ending));
    dialog->setObjectName(u"exportPlotDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(ending);
    dialog->selectFile(u"pareto.%1"_s.arg(ending));
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
        const core::Result<PlotFormat> format = plotFormatOf(file);
        const core::Status status =
            format.ok() ? exportPlot(*m_plot, file, format.value()) : core::Status(format.error());
        if (status.ok())
            Q_EMIT exported(file);
        else
            Q_EMIT failed(status.error());
    });
    dialog->open();
}

void ParetoView::copyPicture()
{
    m_plot->setExporting(true);
    QGuiApplication::clipboard()->setPixmap(m_plot->toPixmap(m_plot->width(), m_plot->height(), 2));
    m_plot->setExporting(false);
}

std::vector<core::TrialId> ParetoView::front() const
{
    const ParetoData& plotted = *m_plot->data();
    std::vector<core::TrialId> ids;
    for (const int index : plotted.front)
        ids.push_back(plotted.points[std::size_t(index)].id);
    return ids;
}

QJsonObject ParetoView::saveState() const
{
    return {{u"x"_s, toJson(m_snapshot ? choiceOf(m_x) : m_wantedX, m_x.log->isChecked())},
            {u"y"_s, toJson(m_snapshot ? choiceOf(m_y) : m_wantedY, m_y.log->isChecked())},
            {u"scalesChosen"_s, m_x.userChoseScale || m_y.userChoseScale},
            {u"hidden"_s, QJsonArray::fromStringList(m_legend->hiddenMethods())},
            {u"published"_s, QJsonArray::fromStringList(m_published->chosen())}};
}

void ParetoView::restoreState(const QJsonObject& state)
{
    m_wantedX = choiceFrom(state[u"x"].toObject());
    m_wantedY = choiceFrom(state[u"y"].toObject());
    m_x.userChoseScale = m_y.userChoseScale = state[u"scalesChosen"].toBool();
    if (m_x.userChoseScale) {
        m_x.log->setChecked(state[u"x"].toObject()[u"log"].toBool());
        m_y.log->setChecked(state[u"y"].toObject()[u"log"].toBool());
    }
    QStringList hidden;
    for (const QJsonValue& method : state[u"hidden"].toArray())
        hidden << method.toString();
    m_legend->setHiddenMethods(hidden);
    QStringList published;
    for (const QJsonValue& series : state[u"published"].toArray())
        published << series.toString();
    m_published->choose(published);
    if (m_snapshot)
        setSnapshot(m_snapshot);
}

} // namespace paretoscope::views
