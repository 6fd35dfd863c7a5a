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
constexpr double kCounted = 10;   ///< diameter of what was counted
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

/// Its area is filled palely, so that markers below it are seen.
void drawOperationMarker(QPainter& painter, QPointF place, double diameter, const MethodLook& look)
{
    QColor fill = look.colour;
    fill.setAlphaF(0.45F);
    painter.setPen(QPen(look.colour, 1.4));
    painter.setBrush(fill);
    painter.drawPath(markerPath(look.shape, diameter).translated(place));
}

void drawMeasuredMarker(QPainter& painter, QPointF place, const QColor& ink)
{
    painter.setPen(QPen(ink, 1.4));
    painter.setBrush(ink);
    painter.drawEllipse(place, 4, 4);
}

void drawCountedMarker(QPainter& painter, QPointF place, const MethodLook& look)
{
    painter.setPen(QPen(look.colour, 1.4));
    painter.setBrush(look.colour);
    painter.drawPath(markerPath(look.shape, kCounted).translated(place));
}

/// A hollow diamond.
void drawKneeMarker(QPainter& painter, QPointF place, const ThemeColours& colours)
{
    constexpr int kDiamond = 3;
    painter.setPen(QPen(colours.good, 1.6));
    painter.setBrush(colours.plotBackground);
    painter.drawPath(markerPath(kDiamond, 10).translated(place));
}

void drawRing(QPainter& painter, QPointF place, double radius, const QPalette& palette)
{
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(themeColours(palette).plotBackground, 3.5));
    painter.drawEllipse(place, radius, radius);
    painter.setPen(QPen(palette.color(QPalette::Highlight), 2));
    painter.drawEllipse(place, radius, radius);
}

double attainable(const Roof& roof, double intensity)
{
    return std::min(roof.peak, intensity * roof.bandwidth);
}

QPen penOf(const Roof& roof, int device, const ThemeColours& colours)
{
    static const std::array<Qt::PenStyle, 4> styles {Qt::SolidLine, Qt::DashLine, Qt::DashDotLine, Qt::DashDotDotLine};
    const double width = roof.level.empty() ? 1.6 : 1; // those of caches are thin
    if (roof.isMeasured)
        return QPen(colours.good, width, Qt::DotLine);
    return QPen(device == 0 && roof.level.empty() ? colours.front : colours.reference, width,
                styles[std::size_t(device) % styles.size()]);
}

/// Where on its line a bandwidth stands: near the ridge, those of further devices lower.
double placeOfBandwidth(const Roof& roof, std::size_t number)
{
    if (!roof.level.empty()) // those of two levels follow each other
        return number % 2 == 0 ? 0.85 : 0.55;
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

std::optional<int> ChartScene::hitCounted(QPointF position) const
{
    for (int i = 0; i < int(counted.size()); ++i) {
        const CountedMark& mark = counted[std::size_t(i)];
        const QPointF way = frame.toPixel(mark.place) - position;
        if (isDrawn(mark) && std::hypot(way.x(), way.y()) <= kCounted / 2 + kHitRoom)
            return i;
    }
    return std::nullopt;
}

std::vector<int> ChartScene::drawnOperations(const QString& name) const
{
    std::vector<int> found;
    for (int i = 0; i < int(places.size()); ++i) {
        if (toQString(analysis->operations[std::size_t(i)].name) == name && isDrawn(i))
            found.push_back(i);
    }
    return found;
}

std::vector<QPointF> ChartScene::marks() const
{
    std::vector<QPointF> all = places;
    if (analysis) {
        for (const MeasuredPoint& point : analysis->measured)
            all.emplace_back(point.intensity, point.performance);
    }
    for (const CountedMark& mark : counted) {
        all.push_back(mark.place);
        if (drawsLevels)
            all.insert(all.end(), mark.inner.begin(), mark.inner.end());
    }
    all.insert(all.end(), intensities.begin(), intensities.end());
    std::erase_if(all, [](QPointF place) {
        return !(place.x() > 0 && place.y() > 0 && std::isfinite(place.x()) && std::isfinite(place.y()));
    });
    return all;
}

RooflineChartLayer::RooflineChartLayer(QCustomPlot* plot, const ChartScene& scene, bool top)
    : QCPAbstractItem(plot)
    , m_scene(scene)
    , m_top(top)
{
    setClipToAxisRect(!top); // in low charts labels need more room than the plot has
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
    drawIntensities(*painter, taken);
    drawPoints(*painter, taken);
    drawMeasured(*painter);
    drawCounted(*painter, taken);
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
        if (roof.level.empty()) { // the peak of a cache is that of the main memory
            painter.setPen(QPen(colours.reference, 1, Qt::DotLine));
            painter.drawLine(ridge, QPointF(ridge.x(), frame.area.bottom()));
            drawRoofLabel(painter, roof, devices.size() > 1, taken);
        }
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
    const auto& operations = m_scene.analysis->operations;
    std::vector<int> order;
    for (int i = 0; i < int(operations.size()); ++i) {
        if (m_scene.isDrawn(i))
            order.push_back(i);
    }
    const auto share = [&](int i) { return operations[std::size_t(i)].share; };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return share(a) > share(b); });
    for (const int i : order) { // the small ones lie on top
        drawOperationMarker(painter, m_scene.pixelOf(i), m_scene.diameters[std::size_t(i)],
                            lookOf(operations[std::size_t(i)].bound, m_scene.palette));
    }
    for (std::size_t k = 0; k < std::min(order.size(), kNamed); ++k)
        drawName(painter, toQString(operations[std::size_t(order[k])].name), m_scene.pixelOf(order[k]),
                 m_scene.diameters[std::size_t(order[k])] / 2 + 4, taken);
}

void RooflineChartLayer::drawMeasured(QPainter& painter) const
{
    const QColor ink = themeColours(m_scene.palette).good;
    for (const MeasuredPoint& point : m_scene.analysis->measured) {
        const QPointF place = m_scene.frame.toPixel({point.intensity, point.performance});
        painter.setPen(QPen(ink, 1));
        for (const int operation : m_scene.drawnOperations(toQString(point.operation)))
            painter.drawLine(m_scene.pixelOf(operation), place);
        drawMeasuredMarker(painter, place, ink);
    }
}

/// Joined with the predicted operation of its name; hollow at the levels nearer to the processor.
void RooflineChartLayer::drawCounted(QPainter& painter, std::vector<QRectF>& taken) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    const MethodLook look = countedLook(m_scene.palette);
    std::size_t named = 0;
    for (const CountedMark& mark : m_scene.counted) {
        if (!m_scene.isDrawn(mark))
            continue;
        const QPointF place = m_scene.frame.toPixel(mark.place);
        const std::vector<int> operations = m_scene.drawnOperations(mark.name);
        painter.setPen(QPen(look.colour, 1));
        for (const int operation : operations)
            painter.drawLine(m_scene.pixelOf(operation), place);
        painter.setBrush(colours.plotBackground);
        for (const QPointF& inner : m_scene.drawsLevels ? mark.inner : std::vector<QPointF>()) {
            if (!m_scene.frame.shows(inner))
                continue;
            const QPointF end = m_scene.frame.toPixel(inner);
            painter.drawLine(QLineF(place, end));
            painter.drawPath(markerPath(look.shape, kCounted * 0.8).translated(end));
        }
        drawCountedMarker(painter, place, look);
        if (operations.empty() && named++ < kNamed)
            drawName(painter, mark.lines.first(), place, kCounted / 2 + 4, taken);
    }
}

/// The roofline as the machine was measured, and its knee.
void RooflineChartLayer::drawIntensities(QPainter& painter, std::vector<QRectF>& taken) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    QPolygonF curve;
    for (const QPointF& point : m_scene.intensities)
        curve << m_scene.frame.toPixel(point);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colours.good, 1.2));
    painter.drawPolyline(curve);
    if (!m_scene.knee || !m_scene.frame.shows(*m_scene.knee))
        return;
    const QPointF knee = m_scene.frame.toPixel(*m_scene.knee);
    drawKneeMarker(painter, knee, colours);
    drawName(painter, Text::tr("knee %1").arg(format::scaled(m_scene.knee->x(), u"FLOP/B"_s)), knee, 8, taken);
}

/// Below a marker, above it where there is no room, nowhere where another label stands.
void RooflineChartLayer::drawName(QPainter& painter, const QString& name, QPointF marker, double reach,
                                  std::vector<QRectF>& taken) const
{
    const QFontMetricsF metrics(m_scene.font);
    QRectF box(0, 0, metrics.horizontalAdvance(name) + 6, metrics.height());
    box.moveCenter(marker + QPointF(0, reach + metrics.height() / 2));
    const QRectF& area = m_scene.frame.area;
    if (box.bottom() > area.bottom())
        box.moveBottom(marker.y() - reach);
    box.moveLeft(std::max(area.left() + 2, std::min(box.left(), area.right() - 2 - box.width())));
    if (std::any_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(box); }))
        return;
    taken.push_back(box);
    const ThemeColours& colours = themeColours(m_scene.palette);
    drawPlate(painter, box, Qt::AlignCenter, name, colours.mutedText, colours);
}

std::vector<RooflineChartLayer::LegendLine> RooflineChartLayer::legendLines() const
{
    std::set<roofline::Bound> bounds;
    for (const AnalysedOperation& operation : m_scene.analysis->operations)
        bounds.insert(operation.bound);
    std::vector<LegendLine> lines;
    for (const roofline::Bound bound : bounds)
        lines.push_back(
            {Text::tr("bound by %1").arg(boundText(bound)), [this, bound](QPainter& painter, QPointF place) {
                 drawOperationMarker(painter, place, 10, lookOf(bound, m_scene.palette));
             }});
    const ThemeColours& colours = themeColours(m_scene.palette);
    if (!m_scene.analysis->measured.empty())
        lines.push_back({Text::tr("measured part"), [&colours](QPainter& painter, QPointF place) {
                             drawMeasuredMarker(painter, place, colours.good);
                         }});
    if (m_scene.knee)
        lines.push_back({Text::tr("measured roofline, knee"), [&colours](QPainter& painter, QPointF place) {
                             painter.setPen(QPen(colours.good, 1.2));
                             painter.drawLine(QLineF(place - QPointF(7, 0), place + QPointF(7, 0)));
                             drawKneeMarker(painter, place, colours);
                         }});
    if (!m_scene.counted.empty())
        lines.push_back({m_scene.drawsLevels ? Text::tr("counted; hollow: by L2, L1") : Text::tr("counted"),
                         [this](QPainter& painter, QPointF place) {
                             drawCountedMarker(painter, place, countedLook(m_scene.palette));
                         }});
    return lines;
}

/// Where no point is hidden: above the roofs, or right below them.
QPointF RooflineChartLayer::legendCorner(QSizeF size) const
{
    const QRectF room = m_scene.frame.area.adjusted(8, 6, -8, -6);
    const QPointF left = room.topLeft();
    const QPointF right(room.right() - size.width(), room.bottom() - size.height());
    const auto hides = [&](QPointF corner) {
        const std::vector<QPointF> marks = m_scene.marks();
        return std::count_if(marks.begin(), marks.end(),
                             [&](QPointF mark) { return QRectF(corner, size).contains(m_scene.frame.toPixel(mark)); });
    };
    const bool hasLevels =
        std::any_of(m_scene.roofs.begin(), m_scene.roofs.end(), [](const Roof& roof) { return !roof.level.empty(); });
    return hides(right) < hides(left) || (hasLevels && hides(right) == 0) ? right : left;
}

void RooflineChartLayer::drawLegend(QPainter& painter) const
{
    constexpr double kMarker = 18;
    constexpr double kMostLegend = 0.7; ///< of the height of the plot
    const ThemeColours& colours = themeColours(m_scene.palette);
    const QFontMetricsF metrics(m_scene.font);
    const double line = std::max(metrics.height(), 16.0);
    const std::vector<LegendLine> lines = legendLines();
    const QString note = Text::tr("area: share of the time");
    double width = metrics.horizontalAdvance(note);
    for (const LegendLine& each : lines)
        width = std::max(width, kMarker + metrics.horizontalAdvance(each.text));
    const QSizeF size(width + 12, line * double(lines.size() + 1) + 6);
    if (size.height() > kMostLegend * m_scene.frame.area.height())
        return; // labels of points say the same
    const QPointF corner = legendCorner(size);
    QColor plate = colours.plotBackground;
    plate.setAlphaF(0.85F);
    painter.setPen(QPen(colours.border, 1));
    painter.setBrush(plate);
    painter.drawRoundedRect(QRectF(corner, size), 3, 3);
    QPointF at = corner + QPointF(6, 3);
    for (const LegendLine& each : lines) {
        each.draw(painter, at + QPointF(kMarker / 2 - 2, line / 2));
        painter.setPen(m_scene.palette.color(QPalette::Text));
        painter.drawText(QRectF(at + QPointF(kMarker, 0), QSizeF(width, line)), Qt::AlignVCenter, each.text);
        at.ry() += line;
    }
    painter.setPen(colours.mutedText);
    painter.drawText(QRectF(at, QSizeF(width, line)), Qt::AlignVCenter, note);
}

void RooflineChartLayer::drawMarks(QPainter& painter) const
{
    for (const std::optional<int>& marked : {m_scene.selected, m_scene.hovered}) {
        if (marked && *marked < int(m_scene.places.size()) && m_scene.isDrawn(*marked))
            drawRing(painter, m_scene.pixelOf(*marked), m_scene.diameters[std::size_t(*marked)] / 2 + 4,
                     m_scene.palette);
    }
    if (m_scene.hovered && m_scene.isDrawn(*m_scene.hovered)) {
        const std::size_t index = std::size_t(*m_scene.hovered);
        drawLabel(painter, m_scene.pixelOf(*m_scene.hovered), m_scene.diameters[index] / 2 + 10,
                  describeOperation(m_scene.analysis->operations[index]));
    }
    if (!m_scene.hoveredCounted)
        return;
    const CountedMark& mark = m_scene.counted[std::size_t(*m_scene.hoveredCounted)];
    if (!m_scene.isDrawn(mark))
        return;
    const QPointF place = m_scene.frame.toPixel(mark.place);
    drawRing(painter, place, kCounted / 2 + 4, m_scene.palette);
    drawLabel(painter, place, kCounted / 2 + 10, mark.lines);
}

/// Beside a marker, inside of the chart.
void RooflineChartLayer::drawLabel(QPainter& painter, QPointF marker, double reach, const QStringList& lines) const
{
    const QFontMetricsF metrics(m_scene.font);
    double width = 0;
    for (const QString& line : lines)
        width = std::max(width, metrics.horizontalAdvance(line));
    QRectF box(0, 0, width + 16, metrics.height() * double(lines.size()) + 10);
    const QRectF area = parentPlot()->viewport();
    box.moveTopLeft(marker + QPointF(reach, -box.height() / 2));
    if (box.right() > area.right())
        box.moveRight(marker.x() - reach);
    box.moveLeft(std::max(box.left(), area.left() + 2));
    box.moveTop(std::clamp(box.top(), area.top() + 2, std::max(area.top() + 2, area.bottom() - box.height() - 2)));
    painter.setPen(QPen(themeColours(m_scene.palette).border, 1));
    painter.setBrush(m_scene.palette.color(QPalette::ToolTipBase));
    painter.drawRoundedRect(box, 4, 4);
    painter.setPen(m_scene.palette.color(QPalette::ToolTipText));
    painter.drawText(box.adjusted(8, 5, -8, -5), Qt::AlignLeft | Qt::AlignTop, lines.join('\n'_L1));
}

} // namespace paretoscope::views
