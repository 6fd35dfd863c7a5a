// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/marker_painter.h"

#include <QPainter>
#include <QtMath>

#include <cmath>
#include <numbers>

namespace paretoscope::views {

namespace {

constexpr int kShapes = 7;
constexpr double kSpriteSize = 18;

QPainterPath polygon(int corners, double radius, double turn, double innerRadius = 0)
{
    const int count = innerRadius > 0 ? 2 * corners : corners;
    QPainterPath path;
    for (int i = 0; i < count; ++i) {
        const double r = innerRadius > 0 && i % 2 == 1 ? innerRadius : radius;
        const double angle = turn + 2 * std::numbers::pi * i / count;
        const QPointF corner(r * std::sin(angle), -r * std::cos(angle));
        i == 0 ? path.moveTo(corner) : path.lineTo(corner);
    }
    path.closeSubpath();
    return path;
}

QPainterPath cross(double radius, double width)
{
    QPainterPath path;
    path.addRect(-radius, -width / 2, 2 * radius, width);
    path.addRect(-width / 2, -radius, width, 2 * radius);
    return path.simplified();
}

void drawPath(QPainter& painter, const QPainterPath& path, const QColor& colour, MarkerState state)
{
    QColor fill = colour;
    QColor line = colour;
    double width = 1.2;
    if (state == MarkerState::Dominated)
        fill.setAlphaF(0.22F);
    if (state == MarkerState::Ghost) {
        fill = Qt::transparent;
        line.setAlphaF(0.45F);
        width = 1.0;
    }
    painter.setPen(QPen(line, width, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.setBrush(fill);
    painter.drawPath(path);
}

/// A picture with the origin in its middle.
template <typename Draw>
QPixmap pixmapOf(double devicePixelRatio, Draw draw)
{
    QPixmap pixmap((QSizeF(kSpriteSize, kSpriteSize) * devicePixelRatio).toSize());
    pixmap.setDevicePixelRatio(devicePixelRatio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.translate(kSpriteSize / 2, kSpriteSize / 2);
    draw(painter);
    return pixmap;
}

} // namespace

MethodLook lookOf(int method, bool baseline, const QPalette& palette)
{
    if (baseline)
        return {palette.color(QPalette::Text), kBaselineShape};
    const auto& series = themeColours(palette).series;
    return {series[std::size_t(method) % series.size()], method % kShapes};
}

QPainterPath markerPath(int shape, double diameter)
{
    const double r = diameter / 2;
    QPainterPath path;
    switch (shape) {
    case 0:
        path.addEllipse(QPointF(), r, r);
        return path;
    case 1:
        path.addRect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76);
        return path;
    case 2:
        return polygon(3, r * 1.2, 0);
    case 3:
        return polygon(4, r * 1.2, 0);
    case 4:
        return polygon(3, r * 1.2, std::numbers::pi);
    case 5:
        return cross(r * 1.1, r * 0.75);
    case 6:
        return polygon(6, r * 1.05, 0);
    default:
        return polygon(5, r * 1.35, 0, r * 0.6);
    }
}

void MarkerPainter::draw(QPainter& painter, QPointF centre, const MethodLook& look, MarkerState state, bool vectorised)
{
    if (vectorised) {
        drawPath(painter, markerPath(look.shape, m_diameter).translated(centre), look.colour, state);
        return;
    }
    const double ratio = painter.device()->devicePixelRatioF();
    const quint64 key =
        quint64(look.colour.rgb()) << 24 | quint64(m_diameter) << 16 | quint64(look.shape & 0xff) << 8 | quint64(state);
    QPixmap& sprite = m_sprites[key];
    if (sprite.isNull() || sprite.devicePixelRatio() != ratio)
        sprite = pixmapOf(ratio, [&](QPainter& spritePainter) {
            drawPath(spritePainter, markerPath(look.shape, m_diameter), look.colour, state);
        });
    painter.drawPixmap(centre - QPointF(kSpriteSize / 2, kSpriteSize / 2), sprite);
}

QPixmap markerPixmap(const MethodLook& look, double devicePixelRatio)
{
    return pixmapOf(devicePixelRatio, [&look](QPainter& painter) {
        drawPath(painter, markerPath(look.shape, MarkerPainter::kDiameter), look.colour, MarkerState::Front);
    });
}

void drawPublishedMarker(QPainter& painter, QPointF centre, bool isVerified, const QPalette& palette)
{
    constexpr double kReach = MarkerPainter::kDiameter * 0.55;
    const ThemeColours& colours = themeColours(palette);
    painter.setPen(QPen(isVerified ? colours.reference : colours.ghost, 1.6, Qt::SolidLine, Qt::RoundCap));
    for (const double angle : {90.0, 210.0, 330.0}) {
        const QPointF arm = kReach * QPointF(std::cos(qDegreesToRadians(angle)), std::sin(qDegreesToRadians(angle)));
        painter.drawLine(QLineF(centre - arm, centre + arm));
    }
    if (isVerified)
        return;
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colours.ghost, 1, Qt::DotLine));
    painter.drawEllipse(centre, kReach + 3, kReach + 3);
}

QPixmap publishedPixmap(const QPalette& palette, double devicePixelRatio)
{
    return pixmapOf(devicePixelRatio,
                    [&palette](QPainter& painter) { drawPublishedMarker(painter, {}, true, palette); });
}

} // namespace paretoscope::views
