// SPDX-License-Identifier: GPL-3.0-or-later
// What RooflineChartLayer draws.
#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/roofline/operation_look.h"
#include "views/roofline/roofline_chart.h"
#include "views/roofline/roofline_text.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(RooflineChart)
};

constexpr double kHitRoom = 3;    ///< around a marker
constexpr std::size_t kNamed = 5; ///< operations with the largest shares bear their names

/// Text on a plate of the plot's background.
void drawPlate(QPainter& painter, const QRectF& box, int flags, const QString& text, const QColor& ink,
               const ThemeColours& colours)
{
    QColor plate = colours.plotBackground;
    plate.setAlphaF(0.85F);
    painter.setPen(Qt::NoPen);
    painter.setBrush(plate);
    painter.drawRoundedRect(box, 2, 2);
    painter.setPen(ink);
    painter.drawText(box, flags, text);
}

double attainable(const Roof& roof, double intensity)
{
    return std::min(roof.peak, intensity * roof.bandwidth);
}

QPen penOf(const Roof& roof, int device, const ThemeColours& colours)
{
    static const std::array<Qt::PenStyle, 4> styles {Qt::SolidLine, Qt::DashLine, Qt::DashDotLine, Qt::DashDotDotLine};
    if (roof.isMeasured)
        return QPen(colours.good, 1.6, Qt::DotLine);
    return QPen(device == 0 ? colours.front : colours.reference, 1.6, styles[std::size_t(device) % styles.size()]);
}

/// Where on its line a bandwidth stands: near the ridge, those of further devices lower.
double placeOfBandwidth(const Roof& roof, std::size_t number)
{
    if (!roof.level.empty()) // the lines of one device lie apart
        return 0.85;
    static constexpr std::array<double, 4> kPlaces {0.78, 0.6, 0.4, 0.2};
    return kPlaces[(number - 1) % kPlaces.size()];
}

} // namespace

bool ChartScene::isDrawn(int operation) const
{
    const QPointF place = places[std::size_t(operation)];
    return std::isfinite(place.x()) && std::isfinite(place.y()) && place.y() > 0 && place.x() > 0 && frame.shows(place);
}

std::optional<int> ChartScene::hit(QPointF position) const
{
    std::optional<int> best;
    for (int i = 0; i < int(places.size()); ++i) {
        if (!isDrawn(i))
            continue;
        const QPointF way = pixelOf(i) - position;
        const bool isInside = std::hypot(way.x(), way.y()) <= diameters[std::size_t(i)] / 2 + kHitRoom;
        if (isInside && (!best || diameters[std::size_t(i)] < diameters[std::size_t(*best)]))
            best = i;
    }
    return best;
}

RooflineChartLayer::RooflineChartLayer(QCustomPlot* plot, const ChartScene& scene, bool top)
    : QCPAbstractItem(plot)
    , m_scene(scene)
    , m_top(top)
{
    setClipToAxisRect(true);
    setClipAxisRect(plot->axisRect());
    setSelectable(false);
}

void RooflineChartLayer::draw(QCPPainter* painter)
{
    if (!m_scene.analysis)
        return;
    painter->setAntialiasing(true);
    painter->setFont(m_scene.font);
    if (m_top) {
        drawMarks(*painter);
        return;
    }
    std::vector<QRectF> taken; // by labels, which keep off each other
    drawRoofs(*painter, taken);
    drawPoints(*painter, taken);
    drawMeasured(*painter);
    drawLegend(*painter);
}

void RooflineChartLayer::drawRoofs(QPainter& painter, std::vector<QRectF>& taken) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    const PlotFrame& frame = m_scene.frame;
    QStringList devices;
    for (const Roof& roof : m_scene.roofs) {
        if (!devices.contains(toQString(roof.device)))
            devices << toQString(roof.device);
    }
    std::set<double> named;
    for (const Roof& roof : m_scene.roofs) {
        const double left = std::max(frame.x.lower, 0.0);
        const bool startsBelow = attainable(roof, left) < frame.y.lower;
        const QPointF start = frame.toPixel(startsBelow ? QPointF(frame.y.lower / roof.bandwidth, frame.y.lower)
                                                        : QPointF(left, attainable(roof, left)));
        const QPointF ridge = frame.toPixel({roof.ridge(), roof.peak});
        const QPointF end(std::max(frame.area.right(), ridge.x()), ridge.y());
        painter.setPen(penOf(roof, int(devices.indexOf(toQString(roof.device))), colours));
        painter.setBrush(Qt::NoBrush);
        painter.drawPolyline(QPolygonF {start, ridge, end});
        painter.setPen(QPen(colours.reference, 1, Qt::DotLine));
        painter.drawLine(ridge, QPointF(ridge.x(), frame.area.bottom()));
        if (roof.level.empty()) // its peak is that of the other levels
            drawRoofLabel(painter, roof, devices.size() > 1, taken);
        if (named.insert(roof.bandwidth).second)
            drawBandwidth(painter, roof, start + (ridge - start) * placeOfBandwidth(roof, named.size()), ridge - start);
    }
}

void RooflineChartLayer::drawRoofLabel(QPainter& painter, const Roof& roof, bool withDevice,
                                       std::vector<QRectF>& taken) const
{
    const QRectF& area = m_scene.frame.area;
    const QFontMetricsF metrics(m_scene.font);
    QStringList parts {u"%1: %2"_s.arg(toQString(roof.type), format::scaled(roof.peak, u"FLOP/s"_s)),
                       Text::tr("ridge %1").arg(format::scaled(roof.ridge(), u"FLOP/B"_s))};
    if (withDevice)
        parts.prepend(toQString(roof.device));
    if (roof.isMeasured)
        parts << Text::tr("measured");
    const QString label = parts.join(u", "_s);
    const double height = m_scene.frame.toPixel({roof.ridge(), roof.peak}).y();
    QRectF box(0, 0, metrics.horizontalAdvance(label) + 6, metrics.height());
    box.moveBottomRight({area.right() - 4, height - 2});
    if (box.top() < area.top())
        box.moveTop(height + 2);
    while (std::any_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(box); }))
        box.translate(0, metrics.height());
    taken.push_back(box);
    drawPlate(painter, box, Qt::AlignCenter, label, m_scene.palette.color(QPalette::Text),
              themeColours(m_scene.palette));
}

/// The bandwidth stands along its line.
void RooflineChartLayer::drawBandwidth(QPainter& painter, const Roof& roof, QPointF place, QPointF way) const
{
    const QFontMetricsF metrics(m_scene.font);
    QString bandwidth = format::scaled(roof.bandwidth, u"B/s"_s);
    if (!roof.level.empty())
        bandwidth = u"%1 %2"_s.arg(toQString(roof.level), bandwidth);
    const double width = metrics.horizontalAdvance(bandwidth) + 6;
    const bool hasRoom = std::hypot(way.x(), way.y()) > 2 * width && -way.y() > 3 * metrics.height();
    if (!hasRoom)
        return;
    painter.save();
    painter.translate(place);
    painter.rotate(qRadiansToDegrees(std::atan2(way.y(), way.x())));
    painter.setPen(themeColours(m_scene.palette).mutedText);
    painter.drawText(QRectF(-width / 2, -metrics.height() - 2, width, metrics.height()), Qt::AlignCenter, bandwidth);
    painter.restore();
}

void RooflineChartLayer::drawPoints(QPainter& painter, std::vector<QRectF>& taken) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    const auto& operations = m_scene.analysis->operations;
    std::vector<int> order;
    for (int i = 0; i < int(operations.size()); ++i) {
        if (m_scene.isDrawn(i))
            order.push_back(i);
    }
    const auto share = [&](int i) { return operations[std::size_t(i)].share; };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return share(a) > share(b); });
    for (const int i : order) { // the small ones lie on top
        const MethodLook look = lookOf(operations[std::size_t(i)].bound, m_scene.palette);
        QColor fill = look.colour;
        fill.setAlphaF(0.45F);
        painter.setPen(QPen(look.colour, 1.4));
        painter.setBrush(fill);
        painter.drawPath(markerPath(look.shape, m_scene.diameters[std::size_t(i)]).translated(m_scene.pixelOf(i)));
    }
    const QFontMetricsF metrics(m_scene.font);
    for (std::size_t k = 0; k < std::min(order.size(), kNamed); ++k) {
        const int i = order[k];
        const QString name = toQString(operations[std::size_t(i)].name);
        const double reach = m_scene.diameters[std::size_t(i)] / 2 + 4;
        QRectF box(0, 0, metrics.horizontalAdvance(name) + 6, metrics.height());
        box.moveCenter(m_scene.pixelOf(i) + QPointF(0, reach + metrics.height() / 2));
        if (box.bottom() > m_scene.frame.area.bottom())
            box.moveBottom(m_scene.pixelOf(i).y() - reach);
        if (std::any_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(box); }))
            continue;
        taken.push_back(box);
        drawPlate(painter, box, Qt::AlignCenter, name, colours.mutedText, colours);
    }
}

void RooflineChartLayer::drawMeasured(QPainter& painter) const
{
    const auto& operations = m_scene.analysis->operations;
    const QColor ink = themeColours(m_scene.palette).good;
    for (const MeasuredPoint& point : m_scene.analysis->measured) {
        const QPointF place = m_scene.frame.toPixel({point.intensity, point.performance});
        for (int i = 0; i < int(operations.size()); ++i) {
            if (operations[std::size_t(i)].name != point.operation || !m_scene.isDrawn(i))
                continue;
            painter.setPen(QPen(ink, 1));
            painter.drawLine(m_scene.pixelOf(i), place);
        }
        painter.setPen(QPen(ink, 1.4));
        painter.setBrush(ink);
        painter.drawEllipse(place, 4, 4);
    }
}

void RooflineChartLayer::drawLegend(QPainter& painter) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    std::vector<roofline::Bound> bounds;
    for (const AnalysedOperation& operation : m_scene.analysis->operations) {
        if (std::find(bounds.begin(), bounds.end(), operation.bound) == bounds.end())
            bounds.push_back(operation.bound);
    }
    std::sort(bounds.begin(), bounds.end());
    constexpr double kMarker = 18;
    const QFontMetricsF metrics(m_scene.font);
    const double line = std::max(metrics.height(), 16.0);
    QStringList lines;
    for (const roofline::Bound bound : bounds)
        lines << Text::tr("bound by %1").arg(boundText(bound));
    const QString note = Text::tr("area: share of the time");
    double width = metrics.horizontalAdvance(note);
    for (const QString& text : lines)
        width = std::max(width, kMarker + metrics.horizontalAdvance(text));
    const QPointF corner = m_scene.frame.area.topLeft() + QPointF(8, 6);
    QColor plate = colours.plotBackground;
    plate.setAlphaF(0.85F);
    painter.setPen(QPen(colours.border, 1));
    painter.setBrush(plate);
    painter.drawRoundedRect(QRectF(corner, QSizeF(width + 12, line * double(lines.size() + 1) + 6)), 3, 3);
    QPointF at = corner + QPointF(6, 3);
    for (qsizetype i = 0; i < lines.size(); ++i) {
        const MethodLook look = lookOf(bounds[std::size_t(i)], m_scene.palette);
        QColor fill = look.colour;
        fill.setAlphaF(0.45F);
        painter.setPen(QPen(look.colour, 1.4));
        painter.setBrush(fill);
        painter.drawPath(markerPath(look.shape, 10).translated(at + QPointF(kMarker / 2 - 2, line / 2)));
        painter.setPen(m_scene.palette.color(QPalette::Text));
        painter.drawText(QRectF(at + QPointF(kMarker, 0), QSizeF(width, line)), Qt::AlignVCenter, lines[i]);
        at.ry() += line;
    }
    painter.setPen(colours.mutedText);
    painter.drawText(QRectF(at, QSizeF(width, line)), Qt::AlignVCenter, note);
}

void RooflineChartLayer::drawMarks(QPainter& painter) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    const QFontMetricsF metrics(m_scene.font);
    for (const std::optional<int>& marked : {m_scene.selected, m_scene.hovered}) {
        if (!marked || *marked >= int(m_scene.places.size()) || !m_scene.isDrawn(*marked))
            continue;
        const double radius = m_scene.diameters[std::size_t(*marked)] / 2 + 4;
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colours.plotBackground, 3.5));
        painter.drawEllipse(m_scene.pixelOf(*marked), radius, radius);
        painter.setPen(QPen(m_scene.palette.color(QPalette::Highlight), 2));
        painter.drawEllipse(m_scene.pixelOf(*marked), radius, radius);
    }
    if (!m_scene.hovered || !m_scene.isDrawn(*m_scene.hovered))
        return;
    const int index = *m_scene.hovered;
    const QStringList lines = describeOperation(m_scene.analysis->operations[std::size_t(index)]);
    double width = 0;
    for (const QString& line : lines)
        width = std::max(width, metrics.horizontalAdvance(line));
    QRectF box(0, 0, width + 16, metrics.height() * double(lines.size()) + 10);
    const QPointF marker = m_scene.pixelOf(index);
    const double reach = m_scene.diameters[std::size_t(index)] / 2 + 10;
    const QRectF& area = m_scene.frame.area;
    box.moveTopLeft(marker + QPointF(reach, -box.height() / 2));
    if (box.right() > area.right())
        box.moveRight(marker.x() - reach);
    box.moveLeft(std::max(box.left(), area.left() + 2));
    box.moveTop(std::clamp(box.top(), area.top() + 2, std::max(area.top() + 2, area.bottom() - box.height() - 2)));
    painter.setPen(QPen(colours.border, 1));
    painter.setBrush(m_scene.palette.color(QPalette::ToolTipBase));
    painter.drawRoundedRect(box, 4, 4);
    painter.setPen(m_scene.palette.color(QPalette::ToolTipText));
    painter.drawText(box.adjusted(8, 5, -8, -5), Qt::AlignLeft | Qt::AlignTop, lines.join('\n'_L1));
}

} // namespace paretoscope::views
