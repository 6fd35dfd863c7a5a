// SPDX-License-Identifier: GPL-3.0-or-later
// Mouse and keyboard of ParetoPlot.
#include "views/pareto/pareto_plot.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

constexpr double kHitRadius = 11;
constexpr double kClickSlop = 4;    ///< a press that moves less is a click
constexpr double kWheelZoom = 0.85; ///< per notch
constexpr double kKeyZoom = 0.8;
constexpr double kKeyPan = 0.1;

bool isOnXAxis(const PlotFrame& frame, QPointF position)
{
    return position.y() > frame.area.bottom();
}

bool isOnYAxis(const PlotFrame& frame, QPointF position)
{
    return position.x() < frame.area.left();
}

/// Of a point, or behind them of a published one.
QPointF placeOf(const ParetoData& data, int index)
{
    const std::size_t at = std::size_t(index);
    return at < data.points.size() ? data.points[at].value : data.published[at - data.points.size()].value;
}

} // namespace

void ParetoPlot::mousePressEvent(QMouseEvent* event)
{
    setFocus(Qt::MouseFocusReason);
    if (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton)
        return;
    const bool swapped = event->modifiers().testFlag(Qt::ShiftModifier);
    const bool pans = event->button() == Qt::MiddleButton || (m_dragMode == DragMode::Pan) != swapped;
    m_drag = Drag {.start = event->position(), .frame = frame(), .panning = pans};
}

void ParetoPlot::mouseMoveEvent(QMouseEvent* event)
{
    const QPointF position = event->position();
    if (!m_drag) {
        const std::optional<int> hit = m_scene.geometry.hit(*m_scene.data, position, kHitRadius);
        hoverPublished(hit ? std::nullopt : m_scene.geometry.hitPublished(*m_scene.data, position, kHitRadius));
        m_selection.hover(hit ? std::optional(m_scene.data->points[std::size_t(*hit)].id) : std::nullopt);
        return;
    }
    const QPointF way = position - m_drag->start;
    if (!m_drag->moved && std::hypot(way.x(), way.y()) < kClickSlop)
        return;
    if (!m_drag->moved)
        m_selection.hover(std::nullopt);
    m_drag->moved = true;
    if (m_drag->panning) {
        setCursor(Qt::ClosedHandCursor);
        const QRectF& area = m_drag->frame.area;
        setRanges(isOnYAxis(m_drag->frame, m_drag->start) ? m_drag->frame.x
                                                          : m_drag->frame.x.shifted(-way.x() / area.width()),
                  isOnXAxis(m_drag->frame, m_drag->start) ? m_drag->frame.y
                                                          : m_drag->frame.y.shifted(way.y() / area.height()),
                  true);
    } else {
        m_scene.band = QRectF(m_drag->start, position).normalized();
        repaintLayer(*m_hoverLayer);
    }
}

void ParetoPlot::mouseReleaseEvent(QMouseEvent* event)
{
    if (!m_drag)
        return;
    const bool clicked = !m_drag->moved;
    m_drag.reset();
    setDragMode(m_dragMode); // the cursor
    if (m_scene.band)
        finishBand(event->modifiers().testFlag(Qt::ControlModifier));
    else if (clicked && event->button() == Qt::LeftButton)
        finishClick(*event);
}

void ParetoPlot::finishClick(const QMouseEvent& event)
{
    const bool adds = event.modifiers().testFlag(Qt::ControlModifier);
    const std::optional<int> hit = m_scene.geometry.hit(*m_scene.data, event.position(), kHitRadius);
    if (!hit) {
        if (!adds && frame().area.contains(event.position()))
            m_selection.clear();
        return;
    }
    const core::TrialId id = m_scene.data->points[std::size_t(*hit)].id;
    if (adds)
        m_selection.toggle(id);
    else
        m_selection.select({id});
}

void ParetoPlot::finishBand(bool adds)
{
    std::vector<core::TrialId> ids;
    for (const int index : m_scene.geometry.inside(*m_scene.data, *m_scene.band))
        ids.push_back(m_scene.data->points[std::size_t(index)].id);
    m_scene.band.reset();
    if (adds)
        m_selection.add(ids);
    else
        m_selection.select(ids);
    repaintLayer(*m_hoverLayer);
}

void ParetoPlot::mouseDoubleClickEvent(QMouseEvent* event)
{
    m_drag.reset();
    const PlotFrame now = frame();
    if (isOnXAxis(now, event->position()) == isOnYAxis(now, event->position()))
        fit();
    else
        fitAxes(isOnXAxis(now, event->position()), isOnYAxis(now, event->position()));
}

void ParetoPlot::wheelEvent(QWheelEvent* event)
{
    const double notches = double(event->angleDelta().y()) / 120.0;
    if (notches == 0)
        return;
    const double factor = std::pow(kWheelZoom, notches);
    const PlotFrame now = frame();
    const QPointF fixed = now.toValue(event->position());
    // Over an axis only this axis is zoomed; inside, Ctrl limits the zoom to x and Shift to y.
    const bool onlyX = isOnXAxis(now, event->position()) || event->modifiers().testFlag(Qt::ControlModifier);
    const bool onlyY = isOnYAxis(now, event->position()) || event->modifiers().testFlag(Qt::ShiftModifier);
    setRanges(onlyY && !onlyX ? now.x : now.x.zoomed(factor, fixed.x()),
              onlyX && !onlyY ? now.y : now.y.zoomed(factor, fixed.y()), true);
    event->accept();
}

void ParetoPlot::keyPressEvent(QKeyEvent* event)
{
    switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(kKeyZoom);
    case Qt::Key_Minus:
        return zoom(1 / kKeyZoom);
    case Qt::Key_0:
        return fit();
    case Qt::Key_Left:
        return pan(-kKeyPan, 0);
    case Qt::Key_Right:
        return pan(kKeyPan, 0);
    case Qt::Key_Up:
        return pan(0, kKeyPan);
    case Qt::Key_Down:
        return pan(0, -kKeyPan);
    case Qt::Key_Escape:
        m_drag.reset();
        m_scene.band.reset();
        hoverPublished(std::nullopt);
        m_selection.hover(std::nullopt);
        return m_selection.clear();
    case Qt::Key_Space:
        if (m_selection.hovered())
            m_selection.toggle(*m_selection.hovered());
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_selection.hovered())
            m_selection.select({*m_selection.hovered()});
        return;
    default:
        QCustomPlot::keyPressEvent(event);
    }
}

std::vector<int> ParetoPlot::stops() const
{
    const ParetoData& data = *m_scene.data;
    const PlotFrame& frame = m_scene.geometry.frame;
    std::vector<int> indices;
    for (std::size_t i = 0; i < data.points.size(); ++i) {
        if ((data.points[i].onFront || data.points[i].baseline) && frame.shows(data.points[i].value))
            indices.push_back(int(i));
    }
    const auto trials = std::ptrdiff_t(indices.size());
    for (std::size_t i = 0; i < data.published.size(); ++i) {
        if (frame.shows(data.published[i].value))
            indices.push_back(int(data.points.size() + i));
    }
    const auto isLeft = [&](int a, int b) { return placeOf(data, a).x() < placeOf(data, b).x(); };
    std::stable_sort(indices.begin(), indices.begin() + trials, isLeft);
    std::stable_sort(indices.begin() + trials, indices.end(), isLeft);
    return indices;
}

std::optional<int> ParetoPlot::stop() const
{
    if (m_scene.hovered)
        return m_scene.hovered;
    const int points = int(m_scene.data->points.size());
    return m_scene.hoveredPublished ? std::optional(points + *m_scene.hoveredPublished) : std::nullopt;
}

bool ParetoPlot::focusNextPrevChild(bool next)
{
    const std::vector<int> indices = stops();
    const std::optional<int> now = stop();
    const auto at = now ? std::find(indices.begin(), indices.end(), *now) : indices.end();
    std::optional<int> target;
    if (at == indices.end()) {
        if (!indices.empty())
            target = next ? indices.front() : indices.back();
    } else if (next && at + 1 != indices.end()) {
        target = *(at + 1);
    } else if (!next && at != indices.begin()) {
        target = *(at - 1);
    }
    const int points = int(m_scene.data->points.size());
    const bool isTrial = target && *target < points;
    m_selection.hover(isTrial ? std::optional(m_scene.data->points[std::size_t(*target)].id) : std::nullopt);
    hoverPublished(target && !isTrial ? std::optional(*target - points) : std::nullopt);
    if (!target) // past the last point the focus moves on: no keyboard trap
        return QCustomPlot::focusNextPrevChild(next);
    QAccessibleEvent focused(this, QAccessible::Focus);
    focused.setChild(*target);
    QAccessible::updateAccessibility(&focused);
    return true;
}

void ParetoPlot::contextMenuEvent(QContextMenuEvent* event)
{
    Q_EMIT contextMenuRequested(event->globalPos());
}

void ParetoPlot::leaveEvent(QEvent* event)
{
    hoverPublished(std::nullopt);
    m_selection.hover(std::nullopt);
    QCustomPlot::leaveEvent(event);
}

void ParetoPlot::resizeEvent(QResizeEvent* event)
{
    QCustomPlot::resizeEvent(event);
    updateGeometry();
    updateOutside();
}

void ParetoPlot::changeEvent(QEvent* event)
{
    QCustomPlot::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyPalette();
}

void ParetoPlot::paintEvent(QPaintEvent* event)
{
    QCustomPlot::paintEvent(event);
    if (!hasFocus())
        return;
    QPainter painter(this);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
    painter.drawRect(QRectF(rect()).adjusted(1, 1, -1, -1));
}

void ParetoPlot::focusInEvent(QFocusEvent* event)
{
    QCustomPlot::focusInEvent(event);
    update();
}

void ParetoPlot::focusOutEvent(QFocusEvent* event)
{
    QCustomPlot::focusOutEvent(event);
    update();
}

} // namespace paretoscope::views
