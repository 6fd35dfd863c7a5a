// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_layers.h"

#include "views/format/format.h"
#include "views/format/metric_text.h"
#include "views/format/text.h"

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Pareto)
};

QString measured(const MetricSummary& metric, double value, double standardError)
{
    return u"%1  %2"_s.arg(metricText(metric.name).title,
                           format::metricValue(value, toQString(metric.unit),
                                               standardError > 0 ? std::optional(standardError) : std::nullopt));
}

/// Text beside a marker, on a plate of the plot's background so that no line crosses it; at the side with room.
void drawTag(QPainter& painter, QPointF marker, const QRectF& area, const QString& text, const ThemeColours& colours)
{
    constexpr double kDistance = 9;
    const QFontMetricsF metrics(painter.font());
    const QSizeF size(metrics.horizontalAdvance(text) + 6, metrics.height());
    const bool right = marker.x() + kDistance + size.width() < area.right();
    const bool above = marker.y() - kDistance - size.height() > area.top();
    const QRectF box(QPointF(right ? marker.x() + kDistance : marker.x() - kDistance - size.width(),
                             above ? marker.y() - kDistance - size.height() : marker.y() + kDistance),
                     size);
    QColor plate = colours.plotBackground;
    plate.setAlphaF(0.85F);
    painter.setPen(Qt::NoPen);
    painter.setBrush(plate);
    painter.drawRoundedRect(box, 2, 2);
    painter.setPen(colours.mutedText);
    painter.drawText(box, Qt::AlignCenter, text);
}

/// "baseline 74.26": what compression is measured against.
QString baselineTag(const ParetoData& data, const ParetoPoint& point)
{
    return Text::tr("baseline %1").arg(format::metricValue(point.value.y(), toQString(data.y.unit)));
}

constexpr std::size_t kMany = 2000;

MarkerState stateOf(const ParetoPoint& point)
{
    if (!point.accepted)
        return MarkerState::Ghost;
    return point.onFront || point.baseline ? MarkerState::Front : MarkerState::Dominated;
}

bool isShown(const ParetoScene& scene, int index)
{
    const std::size_t at = std::size_t(index);
    return at < scene.geometry.pixels.size() && scene.geometry.frame.shows(scene.data->points[at].value);
}

void drawRing(QPainter& painter, const ParetoScene& scene, int index, double diameter)
{
    if (!isShown(scene, index))
        return;
    const QPointF centre = scene.geometry.pixels[std::size_t(index)];
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(themeColours(scene.palette).plotBackground, 3.5));
    painter.drawEllipse(centre, diameter / 2, diameter / 2);
    painter.setPen(QPen(scene.palette.color(QPalette::Highlight), 2));
    painter.drawEllipse(centre, diameter / 2, diameter / 2);
}

QFont smaller(const QFont& font)
{
    QFont small = font;
    small.setPointSizeF(font.pointSizeF() * 0.88);
    return small;
}

} // namespace

QStringList describePoint(const ParetoData& data, const ParetoPoint& point)
{
    const core::TrialRecord& trial = data.snapshot->trials[std::size_t(point.row)];
    QStringList lines {toQString(trial.label), measured(data.y, point.value.y(), point.yError),
                       measured(data.x, point.value.x(), point.xError)};
    for (const char* extra : {"bits_per_parameter", "stored_bytes"}) {
        if (data.x.name == extra || data.y.name == extra)
            continue;
        if (const core::MetricRecord* metric = measurement(trial, extra, {}))
            lines << measured({metric->name, metric->unit, true, {}}, *metric->value, 0);
    }
    if (data.snapshot->workloads.size() > 1)
        lines << toQString(trial.workload);
    if (point.onFront)
        lines << Text::tr("On the front");
    return lines;
}

ParetoDataLayer::ParetoDataLayer(QCustomPlot* plot, const ParetoScene& scene)
    : QCPAbstractItem(plot)
    , m_scene(scene)
{
    setClipToAxisRect(true);
    setClipAxisRect(plot->axisRect());
    setSelectable(false);
}

void ParetoDataLayer::draw(QCPPainter* painter)
{
    painter->setAntialiasing(true);
    painter->setFont(m_scene.font);
    m_markers.setDiameter(m_scene.data->points.size() > kMany ? MarkerPainter::kDiameter * 0.6
                                                              : MarkerPainter::kDiameter);
    drawBaselines(*painter);
    drawPoints(*painter, MarkerState::Ghost);
    drawPoints(*painter, MarkerState::Dominated);
    drawFront(*painter);
    drawReferences(*painter);
    drawPublished(*painter);
    drawPoints(*painter, MarkerState::Front);
    m_markers.setDiameter(MarkerPainter::kDiameter);
    if (m_scene.legendInside)
        drawLegend(*painter);
}

void ParetoDataLayer::drawErrorBars(QCPPainter& painter, const ParetoPoint& point, QPointF pixel) const
{
    constexpr double kCap = 3;
    const PlotFrame& frame = m_scene.geometry.frame;
    const auto bar = [&](QPointF from, QPointF to, QPointF cap) {
        if (std::hypot(from.x() - to.x(), from.y() - to.y()) < MarkerPainter::kDiameter || std::isnan(from.x()) ||
            std::isnan(from.y()))
            return; // hidden behind the marker
        painter.drawLine(QLineF(from, to));
        painter.drawLine(QLineF(from - cap, from + cap));
        painter.drawLine(QLineF(to - cap, to + cap));
    };
    if (point.yError > 0) {
        const double low = frame.toPixel(point.value - QPointF(0, point.yError)).y();
        const double high = frame.toPixel(point.value + QPointF(0, point.yError)).y();
        bar({pixel.x(), low}, {pixel.x(), high}, {kCap, 0});
    }
    if (point.xError > 0) {
        const double low = frame.toPixel(point.value - QPointF(point.xError, 0)).x();
        const double high = frame.toPixel(point.value + QPointF(point.xError, 0)).x();
        bar({low, pixel.y()}, {high, pixel.y()}, {0, kCap});
    }
}

void ParetoDataLayer::drawFront(QCPPainter& painter) const
{
    if (m_scene.geometry.front.size() < 2)
        return;
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(themeColours(m_scene.palette).front, 1.4, Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin));
    painter.drawPolyline(m_scene.geometry.front);
}

/// A dashed line through the baseline on each axis: what compression is measured against.
void ParetoDataLayer::drawBaselines(QCPPainter& painter) const
{
    const ParetoGeometry& geometry = m_scene.geometry;
    const QRectF& area = geometry.frame.area;
    const ThemeColours& colours = themeColours(m_scene.palette);
    int drawn = 0;
    for (std::size_t i = 0; i < geometry.pixels.size() && drawn < 4; ++i) {
        if (!m_scene.data->points[i].baseline)
            continue;
        ++drawn;
        const QPointF pixel = geometry.pixels[i];
        QColor line = colours.reference;
        line.setAlphaF(0.7F);
        QPen dashed(line, 1);
        dashed.setDashPattern({4, 4});
        painter.setPen(dashed);
        painter.drawLine(QLineF(area.left(), pixel.y(), area.right(), pixel.y()));
        painter.drawLine(QLineF(pixel.x(), area.top(), pixel.x(), area.bottom()));
    }
}

void ParetoDataLayer::drawReferences(QCPPainter& painter) const
{
    const ThemeColours& colours = themeColours(m_scene.palette);
    painter.setFont(smaller(m_scene.font));
    for (std::size_t i = 0; i < m_scene.geometry.references.size(); ++i) {
        const QPointF pixel = m_scene.geometry.references[i];
        painter.setPen(QPen(colours.reference, 1.4));
        painter.setBrush(colours.plotBackground);
        painter.drawPath(markerPath(kBaselineShape, MarkerPainter::kDiameter).translated(pixel));
        drawTag(painter, pixel, m_scene.geometry.frame.area, m_scene.data->references[i].label, colours);
    }
}

void ParetoDataLayer::drawPublished(QCPPainter& painter) const
{
    const std::vector<PublishedMark>& marks = m_scene.data->published;
    for (std::size_t i = 0; i < m_scene.geometry.published.size(); ++i) {
        if (m_scene.geometry.frame.shows(marks[i].value))
            drawPublishedMarker(painter, m_scene.geometry.published[i], marks[i].isVerified, m_scene.palette);
    }
}

void ParetoDataLayer::drawPoints(QCPPainter& painter, MarkerState state)
{
    if (state == MarkerState::Dominated && !m_scene.showDominated)
        return;
    const ParetoData& data = *m_scene.data;
    const ParetoGeometry& geometry = m_scene.geometry;
    const ThemeColours& colours = themeColours(m_scene.palette);
    const bool vectorised = painter.modes().testFlag(QCPPainter::pmVectorized);
    for (std::size_t i = 0; i < data.points.size(); ++i) {
        const ParetoPoint& point = data.points[i];
        if (stateOf(point) != state || !geometry.frame.shows(point.value))
            continue;
        MethodLook look = lookOf(point.method, point.baseline, m_scene.palette);
        if (state == MarkerState::Ghost)
            look.colour = colours.ghost;
        else if ((point.yError > 0 || point.xError > 0) &&
                 (state == MarkerState::Front || data.points.size() <= kMany)) {
            QColor bar = look.colour;
            bar.setAlphaF(state == MarkerState::Front ? 0.8F : 0.4F);
            painter.setPen(QPen(bar, 1));
            drawErrorBars(painter, point, geometry.pixels[i]);
        }
        m_markers.draw(painter, geometry.pixels[i], look, state, vectorised);
        if (point.baseline) {
            painter.setFont(smaller(m_scene.font));
            drawTag(painter, geometry.pixels[i], geometry.frame.area, baselineTag(data, point), colours);
        }
    }
}

void ParetoDataLayer::drawLegend(QCPPainter& painter)
{
    const ParetoData& data = *m_scene.data;
    const QRectF& area = m_scene.geometry.frame.area;
    painter.setFont(smaller(m_scene.font));
    const QFontMetricsF metrics(painter.font());
    QStringList names = data.snapshot->methods;
    for (const PublishedSeries& series : data.publishedSeries)
        names << metrics.elidedText(series.label(), Qt::ElideMiddle, area.width() / 2);
    double width = 0;
    for (const QString& name : names)
        width = std::max(width, metrics.horizontalAdvance(name));
    const double lineHeight = metrics.height() + 3;
    const QRectF box(area.right() - width - 40, area.top() + 8, width + 32, lineHeight * double(names.size()) + 8);
    QColor background = themeColours(m_scene.palette).plotBackground;
    background.setAlphaF(0.9F);
    painter.setPen(QPen(themeColours(m_scene.palette).border, 1));
    painter.setBrush(background);
    painter.drawRoundedRect(box, 3, 3);
    const bool vectorised = painter.modes().testFlag(QCPPainter::pmVectorized);
    for (qsizetype i = 0; i < names.size(); ++i) {
        const QPointF centre(box.left() + 13, box.top() + 4 + lineHeight * (double(i) + 0.5));
        const bool baseline = names[i] == "baseline"_L1;
        if (i < data.snapshot->methods.size())
            m_markers.draw(painter, centre, lookOf(int(i), baseline, m_scene.palette), MarkerState::Front, vectorised);
        else
            drawPublishedMarker(painter, centre, true, m_scene.palette);
        painter.setPen(m_scene.palette.color(QPalette::Text));
        painter.drawText(QRectF(box.left() + 24, centre.y() - lineHeight / 2, width + 4, lineHeight), Qt::AlignVCenter,
                         names[i]);
    }
}

ParetoSelectionLayer::ParetoSelectionLayer(QCustomPlot* plot, const ParetoScene& scene)
    : QCPAbstractItem(plot)
    , m_scene(scene)
{
    setClipToAxisRect(true);
    setClipAxisRect(plot->axisRect());
    setSelectable(false);
}

void ParetoSelectionLayer::draw(QCPPainter* painter)
{
    constexpr double kRing = MarkerPainter::kDiameter + 11;
    painter->setAntialiasing(true);
    if (m_scene.selected.size() < kMany) {
        for (const int index : m_scene.selected)
            drawRing(*painter, m_scene, index, kRing);
        return;
    }
    // Thousands of rings cover each other anyway: dots of the accent colour say the same a hundred times faster.
    painter->setAntialiasing(false);
    painter->setPen(QPen(m_scene.palette.color(QPalette::Highlight), 5, Qt::SolidLine, Qt::SquareCap));
    QPolygonF dots;
    for (const int index : m_scene.selected) {
        if (isShown(m_scene, index))
            dots << m_scene.geometry.pixels[std::size_t(index)];
    }
    painter->drawPoints(dots);
}

ParetoHoverLayer::ParetoHoverLayer(QCustomPlot* plot, const ParetoScene& scene)
    : QCPAbstractItem(plot)
    , m_scene(scene)
{
    setClipToAxisRect(true);
    setClipAxisRect(plot->axisRect());
    setSelectable(false);
}

void ParetoHoverLayer::draw(QCPPainter* painter)
{
    painter->setAntialiasing(true);
    painter->setFont(m_scene.font);
    if (m_scene.band) {
        QColor accent = m_scene.palette.color(QPalette::Highlight);
        painter->setPen(QPen(accent, 1));
        accent.setAlphaF(0.12F);
        painter->setBrush(accent);
        painter->drawRect(*m_scene.band);
    }
    const ParetoData& data = *m_scene.data;
    if (m_scene.hovered) {
        const std::size_t at = std::size_t(*m_scene.hovered);
        drawRing(*painter, m_scene, *m_scene.hovered, MarkerPainter::kDiameter + 7);
        if (m_scene.geometry.frame.shows(data.points[at].value))
            drawHoverLabel(*painter, m_scene.geometry.pixels[at], describePoint(data, data.points[at]));
    } else if (m_scene.hoveredPublished) {
        const std::size_t at = std::size_t(*m_scene.hoveredPublished);
        drawHoverLabel(*painter, m_scene.geometry.published[at], describePublished(*data.snapshot, data.published[at]));
    }
}

void ParetoHoverLayer::drawHoverLabel(QCPPainter& painter, QPointF anchor, const QStringList& lines) const
{
    constexpr double kPadding = 8;
    constexpr double kDistance = 14;
    QFont bold = m_scene.font;
    bold.setBold(true);
    const QFontMetricsF metrics(m_scene.font);
    double width = QFontMetricsF(bold).horizontalAdvance(lines.first());
    for (const QString& line : lines)
        width = std::max(width, metrics.horizontalAdvance(line));
    const double lineHeight = metrics.height() * 1.15;
    const QSizeF size(width + 2 * kPadding, lineHeight * double(lines.size()) + 2 * kPadding - 2);
    const QRectF& area = m_scene.geometry.frame.area;
    QPointF corner = anchor + QPointF(kDistance, -size.height() - kDistance / 2);
    if (corner.x() + size.width() > area.right() - 2)
        corner.setX(anchor.x() - kDistance - size.width());
    if (corner.y() < area.top() + 2)
        corner.setY(std::min(anchor.y() + kDistance / 2, area.bottom() - size.height() - 2));
    corner.setX(std::max(corner.x(), area.left() + 2));
    const QRectF box(corner, size);
    painter.setPen(QPen(themeColours(m_scene.palette).border, 1));
    painter.setBrush(m_scene.palette.color(QPalette::ToolTipBase));
    painter.drawRoundedRect(box, 4, 4);
    painter.setPen(m_scene.palette.color(QPalette::ToolTipText));
    for (qsizetype i = 0; i < lines.size(); ++i) {
        painter.setFont(i == 0 ? bold : m_scene.font);
        painter.drawText(
            QRectF(box.left() + kPadding, box.top() + kPadding - 1 + lineHeight * double(i), width + 2, lineHeight),
            Qt::AlignVCenter, lines[i]);
    }
}

} // namespace paretoscope::views
