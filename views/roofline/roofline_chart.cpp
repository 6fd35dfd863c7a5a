// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_chart.h"

#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/roofline/roofline_text.h"
#include "views/table/clipboard_text.h"
#include "views/theme/theme.h"

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr double kLargest = 52; ///< diameter of an operation that takes all the time
constexpr double kSmallest = 6;
constexpr double kClickSlop = 4;
constexpr double kZoom = 0.85;
constexpr double kPan = 0.1;

} // namespace

RooflineChart::RooflineChart(RooflineSession& session, QWidget* parent)
    : QCustomPlot(parent)
    , m_session(session)
    , m_xTicker(new MetricTicker)
    , m_yTicker(new MetricTicker)
{
    setObjectName(u"rooflineChart"_s);
    setAccessibleName(tr("Roofline chart"));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumSize(200, 140);
    for (const QString& name : {u"operations"_s, u"marks"_s})
        addLayer(name, nullptr, QCustomPlot::limAbove);
    layer(u"marks"_s)->setMode(QCPLayer::lmBuffered);
    auto* points = new RooflineChartLayer(this, m_scene, false); // owned by QCustomPlot
    points->setLayer(u"operations"_s);
    m_top = new RooflineChartLayer(this, m_scene, true);
    m_top->setLayer(u"marks"_s);
    axisRect()->setupFullAxesBox(false);
    for (QCPAxis* axis : {xAxis2, yAxis2}) {
        axis->setTicks(false);
        axis->setTickLabels(false);
    }
    xAxis->setTicker(m_xTicker);
    yAxis->setTicker(m_yTicker);
    plotLayout()->setMargins(QMargins(0, 4, 8, 0));
    connect(this, &QCustomPlot::afterLayout, this, &RooflineChart::takeFrame);
    connect(this, &QCustomPlot::afterLayout, this, &RooflineChart::applyTitles);
    connect(&m_session, &RooflineSession::changed, this, &RooflineChart::takeAnalysis);
    connect(&m_session, &RooflineSession::selectionChanged, this, &RooflineChart::takeMarks);
    connect(&m_session, &RooflineSession::hoverChanged, this, &RooflineChart::takeMarks);
    connect(&m_session, &RooflineSession::countersChanged, this, [this] {
        takeCounters();
        m_fitted = true; // what was asked for is seen
        fit();
        describe();
        replot(rpQueuedReplot);
    });
    setLogarithmic(true);
    applyPalette();
    takeAnalysis();
}

void RooflineChart::takeAnalysis()
{
    m_scene.analysis = m_session.analysis();
    m_scene.roofs = m_session.roofs();
    m_scene.places.clear();
    m_scene.diameters.clear();
    std::vector<double> performances;
    if (m_scene.analysis) {
        for (const AnalysedOperation& operation : m_scene.analysis->operations) {
            m_scene.places.emplace_back(operation.intensity(), operation.performance());
            m_scene.diameters.push_back(std::max(kSmallest, kLargest * std::sqrt(operation.share)));
        }
        for (const Roof& roof : m_scene.roofs)
            performances.push_back(roof.peak);
    }
    const double most = performances.empty() ? 1e12 : *std::max_element(performances.begin(), performances.end());
    const bool isTera = most >= 1e12;
    const format::ColumnStyle style {isTera ? 1e12 : 1e9, 3, isTera ? u"TFLOP/s"_s : u"GFLOP/s"_s};
    m_yTicker->setStyle(style);
    m_xTicker->setStyle({1, 3, u"FLOP/B"_s});
    m_performanceUnit = style.unit;
    m_scene.drawsLevels = m_session.drawsLevels();
    takeMeasuredCurve();
    takeCounters();
    applyTitles();
    describe();
    if (m_fitted)
        fit();
    takeMarks();
    replot(rpQueuedReplot);
}

void RooflineChart::takeMeasuredCurve()
{
    m_scene.intensities.clear();
    m_scene.knee.reset();
    const roofline::MachineProfile* machine = m_session.device().machine.get();
    if (!machine)
        return;
    double height = 0;
    for (const roofline::IntensityPoint& point : machine->intensities()) {
        m_scene.intensities.emplace_back(point.intensity, point.flopsPerSecond);
        height = std::max(height, point.flopsPerSecond);
    }
    if (const std::optional<double> knee = machine->knee())
        m_scene.knee = QPointF(*knee, height);
}

void RooflineChart::takeCounters()
{
    m_scene.hoveredCounted.reset();
    m_scene.counted.clear();
    if (m_session.counters())
        m_scene.counted = countedMarks(*m_session.counters(), m_session.device().spec);
}

/// Texts for assistive technology; the point that Tab reached, where no table shows it.
void RooflineChart::describe()
{
    QStringList texts;
    if (m_scene.hoveredCounted)
        texts << m_scene.counted[std::size_t(*m_scene.hoveredCounted)].lines;
    texts << tr("%n operation(s) under the roofs of the device. Tab visits them by their share of the time, Space "
                "selects, arrow keys move the view, plus and minus zoom, 0 fits. The table of operations shows the "
                "same numbers.",
                nullptr, int(m_scene.places.size()));
    if (!m_scene.counted.empty())
        texts << tr("Behind them Tab visits %n point(s) that a profiler counted.", nullptr,
                    int(m_scene.counted.size()));
    if (m_scene.knee)
        texts << tr("The measured knee lies at %1.").arg(format::scaled(m_scene.knee->x(), u"FLOP/B"_s));
    setAccessibleDescription(texts.join(' '_L1));
}

void RooflineChart::applyTitles()
{
    const QFontMetrics metrics(font());
    xAxis->setLabel(fittingTitle(tr("Arithmetic intensity"), u"FLOP/B"_s, metrics, axisRect()->width()));
    yAxis->setLabel(fittingTitle(tr("Performance"), m_performanceUnit, metrics, axisRect()->height()));
}

void RooflineChart::takeMarks()
{
    m_scene.selected = m_session.selected();
    m_scene.hovered = m_session.hovered();
    if (m_scene.hovered)
        m_scene.hoveredCounted.reset();
    if (isVisible() && m_scene.analysis == m_session.analysis())
        m_top->layer()->replot();
}

void RooflineChart::takeFrame()
{
    const QRect rect = axisRect()->rect();
    m_scene.frame = {.area = QRectF(rect.left(), rect.bottom() - rect.height(), rect.width(), rect.height()),
                     .x = {xAxis->range().lower, xAxis->range().upper, m_logarithmic},
                     .y = {yAxis->range().lower, yAxis->range().upper, m_logarithmic}};
}

void RooflineChart::setRanges(const AxisRange& x, const AxisRange& y)
{
    xAxis->setRange(x.lower, x.upper);
    yAxis->setRange(y.lower, y.upper);
    takeFrame();
    replot(rpQueuedReplot);
}

void RooflineChart::setLogarithmic(bool logarithmic)
{
    m_logarithmic = logarithmic;
    for (QCPAxis* axis : {xAxis, yAxis})
        axis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    m_xTicker->setLogarithmic(logarithmic);
    m_yTicker->setLogarithmic(logarithmic);
    fit();
}

void RooflineChart::fit()
{
    m_fitted = true;
    if (!m_scene.analysis || m_scene.roofs.empty())
        return;
    double left = 1e300;
    double right = 0;
    double bottom = 1e300;
    double top = 0;
    for (const QPointF& place : m_scene.marks()) {
        left = std::min(left, place.x());
        right = std::max(right, place.x());
        bottom = std::min(bottom, place.y());
        top = std::max(top, place.y());
    }
    for (const Roof& roof : m_scene.roofs) {
        left = std::min(left, roof.ridge());
        right = std::max(right, roof.ridge() * (m_logarithmic ? 8 : 3));
        bottom = std::min(bottom, roof.peak);
        top = std::max(top, roof.peak);
    }
    if (m_logarithmic)
        setRanges(AxisRange::around(left, right, true), AxisRange::around(bottom / 2, top * 2.5, true));
    else
        setRanges({0, right * 1.05, false}, {0, top * 1.15, false});
}

void RooflineChart::applyPalette()
{
    m_scene.palette = palette();
    m_scene.font = font();
    const ThemeColours& colours = themeColours(m_scene.palette);
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
        axis->setLabelColor(m_scene.palette.color(QPalette::Text));
        axis->setLabelFont(font());
        axis->setLabelPadding(6);
        axis->grid()->setPen(QPen(colours.grid, 1));
        axis->grid()->setZeroLinePen(QPen(colours.grid, 1));
    }
    replot(rpQueuedReplot);
}

void RooflineChart::mousePressEvent(QMouseEvent* event)
{
    setFocus(Qt::MouseFocusReason);
    if (event->button() == Qt::LeftButton || event->button() == Qt::MiddleButton)
        m_drag = Drag {event->position(), m_scene.frame};
}

void RooflineChart::mouseMoveEvent(QMouseEvent* event)
{
    if (!m_drag) {
        const std::optional<int> counted = m_scene.hitCounted(event->position());
        hover(counted ? std::nullopt : m_scene.hit(event->position()), counted);
        return;
    }
    const QPointF way = event->position() - m_drag->start;
    if (!m_drag->moved && std::hypot(way.x(), way.y()) < kClickSlop)
        return;
    m_drag->moved = true;
    m_fitted = false;
    setCursor(Qt::ClosedHandCursor);
    const QRectF& area = m_drag->frame.area;
    setRanges(m_drag->frame.x.shifted(-way.x() / area.width()), m_drag->frame.y.shifted(way.y() / area.height()));
}

void RooflineChart::mouseReleaseEvent(QMouseEvent* event)
{
    const bool isClick = m_drag && !m_drag->moved && event->button() == Qt::LeftButton;
    m_drag.reset();
    unsetCursor();
    if (isClick)
        m_session.select(m_scene.hit(event->position()));
}

void RooflineChart::mouseDoubleClickEvent(QMouseEvent* event)
{
    m_drag.reset();
    if (!m_scene.hit(event->position()))
        fit();
}

void RooflineChart::wheelEvent(QWheelEvent* event)
{
    const double factor = std::pow(kZoom, double(event->angleDelta().y()) / 120.0);
    const QPointF fixed = m_scene.frame.toValue(event->position());
    m_fitted = false;
    setRanges(m_scene.frame.x.zoomed(factor, fixed.x()), m_scene.frame.y.zoomed(factor, fixed.y()));
    event->accept();
}

void RooflineChart::keyPressEvent(QKeyEvent* event)
{
    const PlotFrame now = m_scene.frame;
    const auto zoom = [&](double factor) {
        m_fitted = false;
        setRanges(now.x.zoomed(factor, now.x.valueAt(0.5)), now.y.zoomed(factor, now.y.valueAt(0.5)));
    };
    const auto pan = [&](double right, double up) {
        m_fitted = false;
        setRanges(now.x.shifted(right), now.y.shifted(up));
    };
    switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(kZoom);
    case Qt::Key_Minus:
        return zoom(1 / kZoom);
    case Qt::Key_0:
        return fit();
    case Qt::Key_Left:
        return pan(-kPan, 0);
    case Qt::Key_Right:
        return pan(kPan, 0);
    case Qt::Key_Up:
        return pan(0, kPan);
    case Qt::Key_Down:
        return pan(0, -kPan);
    case Qt::Key_Escape:
        leavePoints();
        return m_session.select(std::nullopt);
    case Qt::Key_Space:
    case Qt::Key_Return:
    case Qt::Key_Enter:
        return m_session.select(m_session.hovered());
    default:
        QCustomPlot::keyPressEvent(event);
    }
}

void RooflineChart::hover(std::optional<int> operation, std::optional<int> counted)
{
    const bool isOther = counted != m_scene.hoveredCounted;
    m_scene.hoveredCounted = counted;
    m_session.hover(operation);
    if (!isOther)
        return;
    describe();
    takeMarks();
}

bool RooflineChart::focusNextPrevChild(bool next)
{
    std::vector<int> stops; // operations, behind them what was counted
    for (int i = 0; i < int(m_scene.places.size()); ++i) {
        if (m_scene.isDrawn(i))
            stops.push_back(i);
    }
    std::stable_sort(stops.begin(), stops.end(), [&](int a, int b) {
        return m_scene.diameters[std::size_t(a)] > m_scene.diameters[std::size_t(b)];
    });
    const int operations = int(m_scene.places.size());
    for (int i = 0; i < int(m_scene.counted.size()); ++i) {
        if (m_scene.isDrawn(m_scene.counted[std::size_t(i)]))
            stops.push_back(operations + i);
    }
    const std::optional<int> now =
        m_scene.hoveredCounted ? std::optional(operations + *m_scene.hoveredCounted) : m_scene.hovered;
    const auto at = now ? std::find(stops.begin(), stops.end(), *now) : stops.end();
    std::optional<int> target;
    if (at == stops.end() && !stops.empty())
        target = next ? stops.front() : stops.back();
    else if (next && at != stops.end() && at + 1 != stops.end())
        target = *(at + 1);
    else if (!next && at != stops.end() && at != stops.begin())
        target = *(at - 1);
    const bool isCounted = target && *target >= operations;
    hover(isCounted ? std::nullopt : target, isCounted ? std::optional(*target - operations) : std::nullopt);
    return target || QCustomPlot::focusNextPrevChild(next); // past the last point the focus moves on
}

void RooflineChart::leavePoints()
{
    hover(std::nullopt, std::nullopt);
}

void RooflineChart::leaveEvent(QEvent* event)
{
    leavePoints();
    QCustomPlot::leaveEvent(event);
}

void RooflineChart::paintEvent(QPaintEvent* event)
{
    QCustomPlot::paintEvent(event);
    if (!hasFocus())
        return;
    QPainter painter(this);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
    painter.drawRect(QRectF(rect()).adjusted(1, 1, -1, -1));
}

void RooflineChart::resizeEvent(QResizeEvent* event)
{
    QCustomPlot::resizeEvent(event);
    takeFrame();
}

void RooflineChart::changeEvent(QEvent* event)
{
    QCustomPlot::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyPalette();
}

QString chartCsv(const RooflineSession& session)
{
    const auto number = [](double value) { return std::isfinite(value) ? QString::number(value, 'g', 17) : QString(); };
    const auto point = [&](const QString& kind, const QString& name, QPointF place) {
        return QStringList {kind, name, number(place.x()), number(place.y()), {}, {}, {}, {}};
    };
    QList<QStringList> rows {{u"kind"_s, u"name"_s, u"arithmetic_intensity [FLOP/B]"_s, u"performance [FLOP/s]"_s,
                              u"share"_s, u"bound"_s, u"peak [FLOP/s]"_s, u"bandwidth [B/s]"_s}};
    if (session.analysis()) {
        for (const AnalysedOperation& each : session.analysis()->operations)
            rows << QStringList {u"operation"_s,           toQString(each.name),
                                 number(each.intensity()), number(each.performance()),
                                 number(each.share),       toQString(roofline::boundName(each.bound)),
                                 number(each.peak),        number(each.bandwidth)};
        for (const MeasuredPoint& each : session.analysis()->measured)
            rows << point(u"measured"_s, toQString(each.operation), {each.intensity, each.performance});
    }
    for (const Roof& roof : session.roofs())
        rows << QStringList {
            u"roof"_s,
            u"%1 %2 %3"_s.arg(toQString(roof.device), toQString(roof.level), toQString(roof.type)).simplified(),
            number(roof.ridge()),
            number(roof.peak),
            {},
            {},
            number(roof.peak),
            number(roof.bandwidth)};
    if (session.counters()) {
        for (const CountedMark& mark : countedMarks(*session.counters(), session.device().spec))
            rows << point(u"counted"_s, mark.name, mark.place);
    }
    if (const auto& machine = session.device().machine) {
        for (const roofline::IntensityPoint& each : machine->intensities())
            rows << point(u"measured roofline"_s, toQString(machine->name), {each.intensity, each.flopsPerSecond});
        if (const std::optional<double> knee = machine->knee())
            rows << point(u"measured knee"_s, toQString(machine->name), {*knee, kUnknown});
    }
    return asCsv(rows);
}

} // namespace paretoscope::views
