// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_plot.h"

#include "views/format/metric_text.h"
#include "views/format/text.h"
#include "views/pareto/pareto_accessible.h"

#include <QToolButton>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

std::vector<double> valuesOf(const ParetoData& data, Qt::Orientation axis)
{
    std::vector<double> values;
    for (const ParetoPoint& point : data.points)
        values.push_back(axis == Qt::Horizontal ? point.value.x() : point.value.y());
    for (const PublishedMark& mark : data.published)
        values.push_back(axis == Qt::Horizontal ? mark.value.x() : mark.value.y());
    return values;
}

} // namespace

QString axisTitle(const MetricSummary& metric, const QString& shownUnit, Qt::Orientation axis)
{
    const QString arrow =
        axis == Qt::Horizontal ? (metric.minimise ? u"←"_s : u"→"_s) : (metric.minimise ? u"↓"_s : u"↑"_s);
    const QString named = format::titleWithUnit(metricText(metric.name).title, shownUnit);
    return axis == Qt::Horizontal ? u"%1 %2"_s.arg(arrow, named) : u"%1 %2"_s.arg(named, arrow);
}

ParetoPlot::ParetoPlot(SelectionModel& selection, QWidget* parent)
    : QCustomPlot(parent)
    , m_selection(selection)
    , m_xTicker(new MetricTicker)
    , m_yTicker(new MetricTicker)
{
    installParetoAccessibility();
    setObjectName(u"paretoPlot"_s);
    setAccessibleName(tr("Pareto plot"));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumSize(160, 120);
    setPlottingHints(QCP::phCacheLabels);
    auto nothing = std::make_shared<ParetoData>();
    nothing->snapshot = makeSnapshot({});
    m_scene.data = nothing;
    addLayer(u"trials"_s, layer(u"main"_s), QCustomPlot::limAbove);
    for (const QString& name : {u"selection"_s, u"hover"_s}) {
        addLayer(name, nullptr, QCustomPlot::limAbove); // on top of all others
        layer(name)->setMode(QCPLayer::lmBuffered);
    }
    m_dataLayer = new ParetoDataLayer(this, m_scene);
    m_dataLayer->setLayer(u"trials"_s);
    m_selectionLayer = new ParetoSelectionLayer(this, m_scene);
    m_selectionLayer->setLayer(u"selection"_s);
    m_hoverLayer = new ParetoHoverLayer(this, m_scene);
    m_hoverLayer->setLayer(u"hover"_s);
    axisRect()->setupFullAxesBox(false);
    for (QCPAxis* axis : {xAxis2, yAxis2}) {
        axis->setTicks(false);
        axis->setTickLabels(false);
    }
    xAxis->setTicker(m_xTicker);
    yAxis->setTicker(m_yTicker);
    plotLayout()->setMargins(QMargins(0, 4, 6, 0));

    m_outsideButton = new QToolButton(this);
    m_outsideButton->setObjectName(u"pointsOutside"_s);
    m_outsideButton->setFocusPolicy(Qt::NoFocus);
    m_outsideButton->hide();
    // Margins follow the tick labels, so the axes may end up elsewhere than where they were: also in exports.
    connect(this, &QCustomPlot::afterLayout, this, [this] {
        if (frame() != m_scene.geometry.frame)
            m_scene.geometry = prepareGeometry(*m_scene.data, frame());
    });
    connect(m_outsideButton, &QToolButton::clicked, this, &ParetoPlot::fit);
    connect(&m_selection, &SelectionModel::selectionChanged, this, &ParetoPlot::updateSelection);
    connect(&m_selection, &SelectionModel::hoverChanged, this, &ParetoPlot::updateHover);
    applyPalette();
}

ParetoPlot::~ParetoPlot() = default;

void ParetoPlot::setData(const ParetoDataPtr& data)
{
    const bool sameAxes = m_scene.data->xChoice == data->xChoice && m_scene.data->yChoice == data->yChoice;
    m_scene.data = data;
    m_scene.hoveredPublished.reset();
    if (!sameAxes) { // the numbers of another metric have nothing to do with the old view
        m_fitted = true;
        m_known.clear();
        m_outside.clear();
    }
    m_xTicker->setStyle(format::columnStyle(valuesOf(*data, Qt::Horizontal), toQString(data->x.unit)));
    m_yTicker->setStyle(format::columnStyle(valuesOf(*data, Qt::Vertical), toQString(data->y.unit)));
    applyAxisTitles();
    updateSelection();
    updateHover();
    if (m_fitted)
        fitAxes(true, true);
    else
        updateGeometry();
    for (const ParetoPoint& point : data->points) {
        if (m_known.insert(point.id).second && !m_fitted && !frame().shows(point.value))
            m_outside.insert(point.id);
    }
    updateOutside();
}

PlotFrame ParetoPlot::frame() const
{
    const QRect rect = axisRect()->rect(); // QCustomPlot counts pixels up from rect.bottom(), which lies inside
    return {.area = QRectF(rect.left(), rect.bottom() - rect.height(), rect.width(), rect.height()),
            .x = rangeOf(*xAxis),
            .y = rangeOf(*yAxis)};
}

AxisRange ParetoPlot::rangeOf(const QCPAxis& axis) const
{
    return {axis.range().lower, axis.range().upper, axis.scaleType() == QCPAxis::stLogarithmic};
}

bool ParetoPlot::isLogarithmic(Qt::Orientation axis) const
{
    return rangeOf(axis == Qt::Horizontal ? *xAxis : *yAxis).logarithmic;
}

void ParetoPlot::setLogarithmic(Qt::Orientation orientation, bool logarithmic)
{
    if (isLogarithmic(orientation) == logarithmic)
        return;
    QCPAxis* axis = orientation == Qt::Horizontal ? xAxis : yAxis;
    axis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    (orientation == Qt::Horizontal ? m_xTicker : m_yTicker)->setLogarithmic(logarithmic);
    const AxisRange range = rangeOf(*axis);
    if (m_fitted || (logarithmic && range.lower <= 0))
        fitAxes(orientation == Qt::Horizontal, orientation == Qt::Vertical);
    else
        updateGeometry();
}

void ParetoPlot::setDragMode(DragMode mode)
{
    m_dragMode = mode;
    setCursor(mode == DragMode::Pan ? Qt::OpenHandCursor : Qt::ArrowCursor);
}

void ParetoPlot::setDominatedShown(bool shown)
{
    m_scene.showDominated = shown;
    replot(rpQueuedReplot);
}

QPointF ParetoPlot::pixelOf(const core::TrialId& id) const
{
    const ParetoPoint* point = m_scene.data->find(id);
    return point ? frame().toPixel(point->value) : QPointF(-1, -1);
}

void ParetoPlot::setExporting(bool exporting)
{
    m_exporting = exporting;
    m_scene.legendInside = exporting;
    m_hoverLayer->setVisible(!exporting);
    applyPalette();
}

void ParetoPlot::fit()
{
    m_fitted = true;
    m_outside.clear();
    fitAxes(true, true);
    updateOutside();
    Q_EMIT viewChanged();
}

void ParetoPlot::fitAxes(bool x, bool y)
{
    const QRectF& bounds = m_scene.data->bounds;
    const AxisRange oldX = rangeOf(*xAxis);
    const AxisRange oldY = rangeOf(*yAxis);
    const auto fitted = [](const ParetoData& data, Qt::Orientation axis, double low, double high, bool logarithmic) {
        if (logarithmic && low <= 0) { // what cannot be drawn does not count
            low = high;
            for (const double value : valuesOf(data, axis))
                low = value > 0 ? std::min(low, value) : low;
        }
        return AxisRange::around(low, high, logarithmic);
    };
    const bool isEmpty = m_scene.data->points.empty() && m_scene.data->published.empty();
    setRanges(
        x && !isEmpty ? fitted(*m_scene.data, Qt::Horizontal, bounds.left(), bounds.right(), oldX.logarithmic) : oldX,
        y && !isEmpty ? fitted(*m_scene.data, Qt::Vertical, bounds.top(), bounds.bottom(), oldY.logarithmic) : oldY,
        false);
}

void ParetoPlot::zoom(double factor)
{
    const PlotFrame now = frame();
    setRanges(now.x.zoomed(factor, now.x.valueAt(0.5)), now.y.zoomed(factor, now.y.valueAt(0.5)), true);
}

void ParetoPlot::pan(double horizontal, double vertical)
{
    const PlotFrame now = frame();
    setRanges(now.x.shifted(horizontal), now.y.shifted(vertical), true);
}

void ParetoPlot::setRanges(const AxisRange& x, const AxisRange& y, bool byUser)
{
    xAxis->setRange(x.lower, x.upper);
    yAxis->setRange(y.lower, y.upper);
    updateGeometry();
    if (!byUser)
        return;
    m_fitted = false;
    const PlotFrame now = frame();
    std::erase_if(m_outside, [&](const core::TrialId& id) {
        const ParetoPoint* point = m_scene.data->find(id);
        return !point || now.shows(point->value);
    });
    updateOutside();
    Q_EMIT viewChanged();
}

void ParetoPlot::updateGeometry()
{
    m_scene.geometry = prepareGeometry(*m_scene.data, frame());
    replot(rpQueuedReplot);
}

void ParetoPlot::updateSelection()
{
    m_scene.selected.clear();
    if (!m_selection.selected().empty()) {
        for (std::size_t i = 0; i < m_scene.data->points.size(); ++i) {
            if (m_selection.isSelected(m_scene.data->points[i].id))
                m_scene.selected.push_back(int(i));
        }
    }
    repaintLayer(*m_selectionLayer);
}

void ParetoPlot::updateHover()
{
    m_scene.hovered.reset();
    if (m_selection.hovered()) {
        if (const ParetoPoint* point = m_scene.data->find(*m_selection.hovered()))
            m_scene.hovered = int(point - m_scene.data->points.data());
    }
    repaintLayer(*m_hoverLayer);
}

void ParetoPlot::hoverPublished(std::optional<int> mark)
{
    if (mark == m_scene.hoveredPublished)
        return;
    m_scene.hoveredPublished = mark;
    repaintLayer(*m_hoverLayer);
}

void ParetoPlot::repaintLayer(const QCPAbstractItem& item)
{
    if (isVisible() && !m_exporting)
        item.layer()->replot();
}

void ParetoPlot::updateOutside()
{
    m_outsideButton->setVisible(!m_outside.empty());
    if (m_outside.empty())
        return;
    m_outsideButton->setText(tr("%n new point(s) outside the view – fit", nullptr, int(m_outside.size())));
    m_outsideButton->setToolTip(tr("Shows all points (0)"));
    m_outsideButton->adjustSize();
    const QRect area = axisRect()->rect();
    m_outsideButton->move(area.right() - m_outsideButton->width() - 6, area.top() + 6);
}

void ParetoPlot::applyPalette()
{
    m_scene.palette = m_exporting ? lightPalette() : palette();
    m_scene.font = font();
    const ThemeColours& colours = themeColours(m_scene.palette);
    const QColor text = m_scene.palette.color(QPalette::Text);
    setBackground(colours.plotBackground);
    for (QCPAxis* axis : {xAxis, yAxis, xAxis2, yAxis2}) {
        axis->setBasePen(QPen(axis == xAxis || axis == yAxis ? colours.axis : colours.grid, 1));
        axis->setTickPen(QPen(colours.axis, 1));
        axis->setSubTickPen(QPen(colours.axis, 1));
        axis->setTickLengthIn(0);
        axis->setTickLengthOut(5);
        axis->setSubTickLength(0, 3);
        axis->setTickLabelColor(colours.mutedText);
        axis->setTickLabelFont(font());
        axis->setLabelColor(text);
        axis->setLabelFont(font());
        axis->setLabelPadding(6);
        axis->grid()->setPen(QPen(colours.grid, 1));
        axis->grid()->setZeroLinePen(QPen(colours.grid, 1));
    }
    m_dataLayer->forgetSprites();
    updateGeometry();
}

void ParetoPlot::applyAxisTitles()
{
    const auto unit = [&](Qt::Orientation axis, const MetricSummary& metric) {
        return format::columnStyle(valuesOf(*m_scene.data, axis), toQString(metric.unit)).unit;
    };
    xAxis->setLabel(axisTitle(m_scene.data->x, unit(Qt::Horizontal, m_scene.data->x), Qt::Horizontal));
    yAxis->setLabel(axisTitle(m_scene.data->y, unit(Qt::Vertical, m_scene.data->y), Qt::Vertical));
    setAccessibleDescription(
        tr("%1 against %2, %n point(s). Arrow keys move the view, plus and minus zoom, 0 fits, Tab visits the front, "
           "then published points, Space selects. The trials table shows the same numbers.",
           nullptr, int(m_scene.data->points.size()))
            .arg(metricText(m_scene.data->y.name).title, metricText(m_scene.data->x.name).title));
}

} // namespace paretoscope::views
