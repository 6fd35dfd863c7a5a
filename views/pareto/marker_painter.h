// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/theme/theme.h"

#include <QHash>
#include <QPainterPath>
#include <QPixmap>

class QPainter;

namespace paretoscope::views {

/// Shape and colour of a method: both change, so that neither colour vision nor a grey printer loses information.
struct MethodLook
{
    QColor colour;
    int shape = 0;
};
constexpr int kBaselineShape = 100;
MethodLook lookOf(int method, bool baseline, const QPalette& palette);

enum class MarkerState
{
    Front,
    Dominated,
    Ghost
};

/// Outline of a marker around the origin, about `diameter` across.
QPainterPath markerPath(int shape, double diameter);

/// Draws markers: from a cache of pictures on screens, as paths into vector formats.
class MarkerPainter
{
public:
    void draw(QPainter& painter, QPointF centre, const MethodLook& look, MarkerState state, bool vectorised);
    void clear() { m_sprites.clear(); } ///< colours or resolution changed
    /// Smaller when there are so many that they hide each other.
    void setDiameter(double diameter) { m_diameter = diameter; }
    static constexpr double kDiameter = 10;

private:
    QHash<quint64, QPixmap> m_sprites;
    double m_diameter = kDiameter;
};

/// The marker alone, for legends.
QPixmap markerPixmap(const MethodLook& look, double devicePixelRatio);

/// That of a published point: an asterisk, which no method has; one that nobody checked is pale, in a dotted ring.
void drawPublishedMarker(QPainter& painter, QPointF centre, bool isVerified, const QPalette& palette);
QPixmap publishedPixmap(const QPalette& palette, double devicePixelRatio);

} // namespace paretoscope::views
